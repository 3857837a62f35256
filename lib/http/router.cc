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

const Target* Router::Route::Find(const std::string& method) const {
  const auto found = targets.find(method);
  return found == targets.end() ? nullptr : &found->second;
}

std::string Router::Route::Allow() const {
  std::string allow;
  for (const auto& [method, target] : targets) {
    if (!allow.empty()) allow += ", ";
    allow += method == "GET" ? "GET, HEAD" : method;
  }
  return allow;
}

void Router::Add(std::string method, std::string pattern, Handler handler, BodyLimit limit) {
  Target target{std::move(handler), limit};
  for (Route& route : routes_) {
    if (route.pattern != pattern) continue;
    route.targets[std::move(method)] = std::move(target);
    return;
  }
  Route route{std::move(pattern), {}};
  route.targets.emplace(std::move(method), std::move(target));
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
