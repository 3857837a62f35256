// See aliases.h. A label that could mean two hosts would start a procedure on the wrong one.
#include "lib/config/aliases.h"

#include <algorithm>
#include <map>

namespace mailhub::config {
namespace {

constexpr size_t kMostAliases = 20;  // of one host
constexpr size_t kLongest = 253;

// As `instance` is written: a name or an address, perhaps with a port.
bool IsAlias(std::string_view text) {
  return !text.empty() && text.size() <= kLongest && text[0] != '-' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._-:[]").find(c) != std::string_view::npos;
         });
}

// The lines of the names under a map.
std::map<std::string, int> Lines(const Node& node) {
  std::map<std::string, int> lines;
  for (const auto& entry : node.Entries()) lines[entry.key] = entry.key_node.Line();
  return lines;
}

Status Check(const Node& at, const std::string& alias, const char* what,
             const std::map<std::string, int>& lines, const char* expected) {
  const auto found = lines.find(alias);
  if (found == lines.end()) return {};
  return at.Invalid("\"" + alias + "\" is " + what + " line " + std::to_string(found->second) +
                    expected);
}

}  // namespace

Status ReadAliases(const Node& root, Site* site) {
  const auto hosts = Lines(root["hosts"]);
  const auto groups = Lines(root["groups"]);
  std::map<std::string, int> aliases;
  for (const auto& entry : root["hosts"].Entries()) {
    const Node node = entry.value["aliases"];
    if (!node.Present()) continue;
    auto names = node.Strings();
    if (!names) return Fail(names.error());
    if (names->size() > kMostAliases) return node.Invalid("more than 20 aliases");
    const auto items = node.Items();
    for (size_t i = 0; i < names->size(); ++i) {
      const std::string& alias = (*names)[i];
      if (!IsAlias(alias)) {
        return items[i].Expected(
            "another name of this host, of letters, digits and . _ - : [ ], as labels have it");
      }
      if (auto free =
              Check(items[i], alias, "a host's name, in", hosts, "; an alias is another name");
          !free) {
        return free;
      }
      if (auto free =
              Check(items[i], alias, "a group's name, in", groups, "; an alias is another name");
          !free) {
        return free;
      }
      if (auto free =
              Check(items[i], alias, "an alias in", aliases, " already; an alias names one host");
          !free) {
        return free;
      }
      aliases[alias] = items[i].Line();
    }
    site->hosts.at(entry.key).aliases = std::move(*names);
  }
  return {};
}

}  // namespace mailhub::config
