#include "lib/http/router.h"

namespace mailhub::http {
namespace {

bool IsPrefix(std::string_view pattern) {
  return pattern.ends_with("/*");
}

bool Matches(std::string_view pattern, std::string_view path) {
  if (!IsPrefix(pattern)) return pattern == path;
  pattern.remove_suffix(1);
  return path.starts_with(pattern);
}

}  // namespace

const Handler* Router::Route::Find(const std::string& method) const {
  const auto found = handlers.find(method);
  return found == handlers.end() ? nullptr : &found->second;
}

std::string Router::Route::Allow() const {
  std::string allow;
  for (const auto& [method, handler] : handlers) {
    if (!allow.empty()) allow += ", ";
    allow += method == "GET" ? "GET, HEAD" : method;
  }
  return allow;
}

void Router::Add(std::string method, std::string pattern, Handler handler) {
  for (Route& route : routes_) {
    if (route.pattern != pattern) continue;
    route.handlers[std::move(method)] = std::move(handler);
    return;
  }
  Route route{std::move(pattern), {}};
  route.handlers.emplace(std::move(method), std::move(handler));
  routes_.push_back(std::move(route));
}

const Router::Route* Router::Find(std::string_view path) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!Matches(route.pattern, path)) continue;
    if (!IsPrefix(route.pattern)) return &route;
    if (best == nullptr || route.pattern.size() > best->pattern.size()) best = &route;
  }
  return best;
}

}  // namespace mailhub::http
