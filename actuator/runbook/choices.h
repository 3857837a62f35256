// Lists the existing names, for messages about an unknown one.
#pragma once

#include <string>

#include "lib/config/site.h"

namespace mailhub::runbook {

// "there are: a, b" or "there are none". At most 20 names.
template <typename Map>
std::string ThereAre(const Map& map) {
  std::string names;
  size_t count = 0;
  for (const auto& [name, unused] : map) {
    if (++count > 20) return "there are: " + names + " and others";
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "there are none" : "there are: " + names;
}

// For a group that does not exist or has no hosts.
inline std::string NoSuchGroup(const std::string& group, const config::Site& site) {
  if (site.groups.contains(group)) return "expected a group that has hosts; " + group + " has none";
  return "expected a group of the site file, found \"" + group + "\"; " + ThereAre(site.groups);
}

}  // namespace mailhub::runbook
