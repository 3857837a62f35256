// Reads the site file strictly. Whatever passes here may become a metric label, a line of the
// helper's request or a part of a shell command, so names and paths are held to what those places
// can carry.
#include "lib/config/site.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/config/aliases.h"
#include "lib/config/reader.h"

namespace mailhub::config {
namespace {

constexpr size_t kMaxHosts = 1000;
constexpr size_t kMaxPerKind = 100;    // processes, services, files, ... of one host
constexpr size_t kMaxThreadName = 15;  // what Linux keeps of one
constexpr Milliseconds kLeastCheckTimeout{10};
constexpr Milliseconds kLongestCheckTimeout{60'000};

// Calls `read(entry)` for each entry of the map at `node`, if there is one; checks names and number
// first.
template <typename Read>
void ForEachLabel(Reader& in, const Node& node, Read&& read) {
  if (!node.Present()) return;
  if (!node.IsMap()) in.Keep(node.Invalid("expected a map from names to what they mean"));
  const auto entries = node.Entries();
  if (entries.size() > kMaxPerKind) in.Keep(node.Invalid("more than 100 entries"));
  for (const auto& entry : entries) {
    if (!kLabels.Allows(entry.key)) {
      in.Keep(entry.key_node.Invalid(
          "bad name; expected letters, digits, _ and -, beginning with a letter or _, at most 64"));
    }
    if (in.Failed()) return;
    read(entry);
  }
}

template <typename Read>
auto ReadMap(Reader& in, const Node& node, Read&& read) {
  std::map<std::string, decltype(read(in, node))> map;
  ForEachLabel(in, node, [&](const Node::Entry& entry) { map[entry.key] = read(in, entry.value); });
  return map;
}

// The values that `rule` makes of 1 to `most` items, without duplicates.
template <typename Rule>
std::vector<std::string> ReadNames(Reader& in, const Node& node, size_t most,
                                   std::string_view expected, Rule&& rule) {
  const auto items = node.Items();
  if (items.empty() || items.size() > most) in.Keep(node.Invalid(expected));
  std::vector<std::string> names;
  for (const Node& item : items) {
    if (in.Failed()) break;
    const std::string name = in.Required(item, rule);
    if (std::ranges::find(names, name) != names.end()) in.Keep(item.Invalid("duplicate name"));
    names.push_back(name);
  }
  return names;
}

ProcessMatch ReadProcess(Reader& in, const Node& node) {
  in.Keys(node, {"exe", "args_contain", "args_lack"});
  ProcessMatch match;
  match.exe = in.Required(node["exe"], AbsolutePath);
  in.Optional(node["args_contain"], &match.args_contain, PlainText);
  in.Optional(node["args_lack"], &match.args_lack, PlainText);
  return match;
}

Result<std::string> ThreadName(const Node& node) {
  auto name = PlainText(node);
  if (name && name->size() > kMaxThreadName) {
    return node.Invalid("the system keeps 15 characters of a thread's name; this is longer");
  }
  return name;
}

// `unit:` of systemd, with its suffix; `name:` of the others. The helper accepts
// these characters, and every shell on the way reads them alike.
Result<std::string> ServiceName(const Node& node, ServiceKind kind) {
  auto name = ReadString(node);
  if (!name) return name;
  const ServiceManager manager = ManagerOf(kind);
  // Of one name that is none of a unit systemd complains, and says nothing of those behind it.
  const size_t dot = name->rfind('.');
  const bool whole =
      manager.suffix.empty() || (dot != name->npos && dot > 0 && name->at(dot - 1) != '@');
  if (!whole || !manager.names.Allows(*name)) return node.Invalid(manager.name_rule);
  return name;
}

ServiceSpec ReadService(Reader& in, const Node& node, Platform platform) {
  in.Keys(node, {"kind", "unit", "name"});
  ServiceSpec service;
  service.kind = UsualKind(platform);
  in.Optional(node["kind"], &service.kind, Choice<ServiceKind>);
  if ((service.kind == ServiceKind::kWindows) != (platform == Platform::kWindows)) {
    in.Keep(node["kind"].Invalid(std::string("does not exist on platform ") + Name(platform)));
  }
  const std::string key(ManagerOf(service.kind).name_key);
  if (const Node other = node[key == "unit" ? "name" : "unit"]; other.Present()) {
    in.Keep(other.Invalid("is said of another kind of service; here: " + key));
  }
  in.Optional(node[key], &service.name, ServiceName, service.kind);
  return service;
}

Result<Milliseconds> CheckTimeout(const Node& node) {
  auto timeout = ReadDuration(node);
  if (timeout && (*timeout < kLeastCheckTimeout || *timeout > kLongestCheckTimeout)) {
    return node.Invalid("expected a duration from 10ms to 1m");
  }
  return timeout;
}

CheckSpec ReadCheck(Reader& in, const Node& node) {
  in.Keys(node, {"command", "timeout"});
  CheckSpec check;
  check.command = in.Required(node["command"], TextWith, "\t");
  in.Optional(node["timeout"], &check.timeout, CheckTimeout);
  return check;
}

// Of a directory or a file.
std::string ReadPath(Reader& in, const Node& node) {
  in.Keys(node, {"path"});
  return in.Required(node["path"], AbsolutePath);
}

int ReadPort(Reader& in, const Node& node) {
  return in.Required(node, ReadInt, 1, 65535);
}

std::string ReadCommand(Reader& in, const Node& node) {
  return in.Required(node, TextWith, "\t\n");
}

// Algorithms that SSH has given up; a very old sshd may know no others.
constexpr std::array<std::string_view, 10> kOldAlgorithms = {"ssh-rsa",
                                                             "diffie-hellman-group14-sha1",
                                                             "diffie-hellman-group-exchange-sha1",
                                                             "diffie-hellman-group1-sha1",
                                                             "aes256-cbc",
                                                             "aes192-cbc",
                                                             "aes128-cbc",
                                                             "3des-cbc",
                                                             "hmac-sha1",
                                                             "hmac-sha1-etm@openssh.com"};

Result<std::string> OldAlgorithm(const Node& node) {
  auto name = PlainText(node);
  if (!name || std::ranges::find(kOldAlgorithms, *name) != kOldAlgorithms.end()) return name;
  std::string all;
  for (const std::string_view old : kOldAlgorithms) {
    all.append(all.empty() ? "" : ", ").append(old);
  }
  return node.Invalid("expected one of " + all + "; found \"" + *name + "\"");
}

void ReadReachability(Reader& in, const Node& node, Host* host) {
  host->address = in.Required(node["address"], Allowed, kAddresses,
                              "an IP address or a host name of letters, digits, dots, _ and -");
  in.Optional(node["port"], &host->port, ReadInt, 1, 65535);
  in.Optional(node["user"], &host->user, PlainText);
  in.Optional(node["runner"], &host->runner, Choice<RunnerForm>);
  in.Optional(node["platform"], &host->platform, Choice<Platform>);
  if (const Node old = node["old_algorithms"]; old.Present()) {
    host->old_algorithms =
        ReadNames(in, old, kOldAlgorithms.size(),
                  "expected a list of 1 to 10 algorithms, as [ssh-rsa]", OldAlgorithm);
  }
}

void ReadProcesses(Reader& in, const Node& node, Host* host) {
  host->processes = ReadMap(in, node["processes"], ReadProcess);
  ForEachLabel(in, node["threads"], [&](const Node::Entry& entry) {
    if (!host->processes.contains(entry.key)) {
      in.Keep(entry.key_node.Invalid("expected the name of one of this host's processes"));
    }
    host->threads[entry.key] = ReadNames(in, entry.value, kMaxPerKind,
                                         "expected a list of 1 to 100 thread names", ThreadName);
  });
}

Host ReadHost(Reader& in, const std::string& name, const Node& node, const std::string& user) {
  in.Keys(node, {"address", "aliases", "port", "user", "platform", "runner", "old_algorithms",
                 "processes", "threads", "services", "directories", "files", "ports", "checks",
                 "commands"});
  Host host;
  host.name = name;
  host.user = user;
  ReadReachability(in, node, &host);
  if (host.platform == Platform::kWindows) {
    for (const char* key : {"processes", "threads", "directories", "files", "checks"}) {
      if (!node[key].Present()) continue;
      in.Keep(node[key].Invalid("cannot be looked at on a windows host"));
    }
  }
  if (host.platform == Platform::kPosix && node["threads"].Present()) {
    in.Keep(node["threads"].Invalid("ps on a posix host does not tell threads' names"));
  }
  ReadProcesses(in, node, &host);
  host.services = ReadMap(in, node["services"], [&](Reader&, const Node& service) {
    return ReadService(in, service, host.platform);
  });
  host.checks = ReadMap(in, node["checks"], ReadCheck);
  host.ports = ReadMap(in, node["ports"], ReadPort);
  host.commands = ReadMap(in, node["commands"], ReadCommand);
  host.directories = ReadMap(in, node["directories"], ReadPath);
  host.files = ReadMap(in, node["files"], ReadPath);
  return host;
}

Result<std::string> PlainPath(const Node& node) {
  auto text = PlainText(node);
  return text ? PathFromFile(node) : text;
}

// Returns the user of all hosts that name none.
std::string ReadSsh(Reader& in, const Node& node, Site* site) {
  in.Keys(node, {"user", "known_hosts", "exporter_key", "actuator_key"});
  std::string user = in.Required(node["user"], PlainText);
  in.Need(node["known_hosts"], "text");
  for (auto [key, path] : {std::pair("known_hosts", &site->known_hosts),
                           std::pair("exporter_key", &site->exporter_key),
                           std::pair("actuator_key", &site->actuator_key)}) {
    const Node file = node[key];
    if (!file.Present()) continue;
    *path = in.Required(file, PlainPath);
    site->places[key] = file.Where() + ": " + file.Field();
  }
  return user;
}

void ReadHosts(Reader& in, const Node& node, const std::string& user, Site* site) {
  if (!node.IsMap()) in.Keep(node.Invalid("expected a map from host names to hosts"));
  const auto entries = node.Entries();
  if (entries.size() > kMaxHosts) in.Keep(node.Invalid("more than 1000 hosts"));
  for (const auto& entry : entries) {
    if (!kHostNames.Allows(entry.key)) {
      in.Keep(entry.key_node.Invalid("bad host name; expected letters, digits, dots, _ and -"));
    }
    if (in.Failed()) return;
    site->hosts[entry.key] = ReadHost(in, entry.key, entry.value, user);
  }
}

void ReadGroups(Reader& in, const Node& node, Site* site) {
  ForEachLabel(in, node, [&](const Node::Entry& entry) {
    if (!entry.value.IsList()) in.Keep(entry.value.Invalid("expected a list of host names"));
    auto& members = site->groups[entry.key];
    for (const Node& item : entry.value.Items()) {
      const std::string name = in.Required(item, ReadString);
      if (!site->hosts.contains(name)) {
        in.Keep(item.Invalid("no host \"" + name + "\" is defined under hosts"));
      }
      if (std::ranges::find(members, name) != members.end()) {
        in.Keep(item.Invalid("\"" + name + "\" is listed twice"));
      }
      if (in.Failed()) return;
      members.push_back(name);
    }
  });
}

}  // namespace

std::string NameOnHost(const std::string& label, const ServiceSpec& service) {
  return service.name.empty() ? label + std::string(ManagerOf(service.kind).suffix) : service.name;
}

const Host* Site::FindHost(const std::string& name) const {
  const auto found = hosts.find(name);
  return found == hosts.end() ? nullptr : &found->second;
}

const Host* Site::HostCalled(const std::string& name_or_alias) const {
  if (const Host* host = FindHost(name_or_alias)) return host;
  for (const auto& [name, host] : hosts) {
    if (std::ranges::find(host.aliases, name_or_alias) != host.aliases.end()) return &host;
  }
  return nullptr;
}

bool Site::InGroup(const std::string& host, const std::string& group) const {
  const auto found = groups.find(group);
  return found != groups.end() &&
         std::find(found->second.begin(), found->second.end(), host) != found->second.end();
}

Result<Site> ParseSite(const std::string& text, const std::string& path) {
  const auto root = ParseYaml(text, path);
  if (!root) return Fail(root.error());
  Reader in;
  in.Keys(*root, {"ssh", "groups", "hosts"});
  Site site;
  const std::string user = ReadSsh(in, (*root)["ssh"], &site);
  ReadHosts(in, (*root)["hosts"], user, &site);
  ReadGroups(in, (*root)["groups"], &site);
  ReadAliases(in, *root, &site);
  return in.Finish(std::move(site));
}

Result<Site> LoadSite(const std::string& path) {
  auto text = ReadFile(path);
  if (!text) return Fail(text.error());
  return ParseSite(*text, path);
}

}  // namespace mailhub::config
