// Finds the handler for a path; internal to this folder.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/http/server.h"

namespace mailhub::http {

struct Target {
  Handler handler;
  BodyLimit limit;
};

// Thread-safe once filled.
class Router {
 public:
  struct Route {
    std::string pattern;
    std::map<std::string, Target> targets;  // by method

    // Either nullptr or the handler and its limit.
    const Target* Find(const std::string& method) const;
    std::string Allow() const;  // for a 405: "GET, HEAD, POST"
  };

  void Add(std::string method, std::string pattern, Handler handler, BodyLimit limit = {});
  // The exact route, or the one with the longest "/*" pattern; nullptr when there is none.
  const Route* Find(std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace mailhub::http
