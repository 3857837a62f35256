// See aliases.h. A label that could mean two hosts would start a procedure on the wrong one.
#include "lib/config/aliases.h"

#include <map>

namespace mailhub::config {
namespace {

constexpr size_t kMostAliases = 20;  // of one host

using Lines = std::map<std::string, int>;  // name -> its line

Lines LinesOf(const Node& map) {
  Lines lines;
  for (const auto& entry : map.Entries()) lines[entry.key] = entry.key_node.Line();
  return lines;
}

}  // namespace

void ReadAliases(Reader& in, const Node& root, Site* site) {
  const Lines hosts = LinesOf(root["hosts"]);
  const Lines groups = LinesOf(root["groups"]);
  Lines aliases;
  for (const auto& entry : root["hosts"].Entries()) {
    const Node node = entry.value["aliases"];
    if (!node.Present()) continue;
    const auto names = in.Required(node, ReadStrings);
    if (names.size() > kMostAliases) in.Keep(node.Invalid("more than 20 aliases"));
    if (in.Failed()) return;
    for (const Node& item : node.Items()) {
      const std::string alias = *ReadString(item);
      const auto refuse = [&](const Lines& taken, const char* what, const char* expected) {
        const auto found = taken.find(alias);
        if (found == taken.end()) return;
        in.Keep(item.Invalid("\"" + alias + "\" is " + what + " line " +
                             std::to_string(found->second) + expected));
      };
      if (!kAliases.Allows(alias)) {
        in.Keep(item.Expected(
            "another name of this host, of letters, digits and . _ - : [ ], as labels have it"));
      }
      refuse(hosts, "a host's name, in", "; an alias is another name");
      refuse(groups, "a group's name, in", "; an alias is another name");
      refuse(aliases, "an alias in", " already; an alias names one host");
      aliases[alias] = item.Line();
    }
    site->hosts.at(entry.key).aliases = names;
  }
}

}  // namespace mailhub::config
