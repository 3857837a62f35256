// Reads the site file strictly. Whatever passes here may become a metric label, a line of the
// helper's request or a part of a shell command, so names and paths are held to what those places
// can carry.
#include "lib/config/site.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <set>
#include <string_view>

#include "lib/config/aliases.h"
#include "lib/config/yaml.h"

namespace mailhub::config {
namespace {

constexpr size_t kMaxHosts = 1000;
constexpr size_t kMaxPerKind = 100;  // processes, services, files, ... of one host
constexpr size_t kMaxLabel = 64;
constexpr size_t kMaxThreadName = 15;  // what Linux keeps of one
constexpr size_t kMaxText = 4096;
constexpr Milliseconds kLeastCheckTimeout{10};
constexpr Milliseconds kLongestCheckTimeout{60'000};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && (IsLetter(text[0]) || text[0] == '_') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; });
}

// Host names and addresses. Never begins with a dash, so it is never taken for an option.
bool IsHostLike(std::string_view text, std::string_view further) {
  return !text.empty() && text.size() <= 253 && text[0] != '-' && text[0] != '.' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return IsLetter(c) || IsDigit(c) || further.find(c) != std::string_view::npos;
         });
}

Result<std::string> Text(const Node& node, std::string_view allowed_controls = {}) {
  auto text = node.String();
  if (!text) return text;
  if (text->size() > kMaxText) return node.Invalid("longer than 4096 bytes");
  for (char c : *text) {
    if (IsControl(c) && allowed_controls.find(c) == std::string_view::npos) {
      return node.Invalid("must not hold line ends or other control characters");
    }
  }
  return text;
}

Result<std::string> AbsolutePath(const Node& node) {
  auto path = Text(node);
  if (path && path->front() != '/') {
    return node.Invalid("expected an absolute path, found \"" + *path + "\"");
  }
  return path;
}

// Calls `read(entry)` for each entry of the map at `node`, if there is one; checks names and number
// first.
template <typename Read>
Status ForEachLabel(const Node& node, Read&& read) {
  if (!node.Present()) return {};
  if (!node.IsMap()) return node.Invalid("expected a map from names to what they mean");
  const auto entries = node.Entries();
  if (entries.size() > kMaxPerKind) return node.Invalid("more than 100 entries");
  for (const auto& entry : entries) {
    if (!IsLabel(entry.key)) {
      return entry.key_node.Invalid(
          "bad name; expected letters, digits, _ and -, beginning with a letter or _, at most 64");
    }
    if (Status status = read(entry); !status) return status;
  }
  return {};
}

Result<ProcessMatch> ReadProcess(const Node& node) {
  if (auto known = node.OnlyKeys({"exe", "args_contain", "args_lack"}); !known) {
    return Fail(known.error());
  }
  ProcessMatch match;
  auto exe = AbsolutePath(node["exe"]);
  if (!exe) return Fail(exe.error());
  match.exe = *exe;
  for (auto [key, field] :
       {std::pair("args_contain", &match.args_contain), std::pair("args_lack", &match.args_lack)}) {
    if (!node[key].Present()) continue;
    auto text = Text(node[key]);
    if (!text) return Fail(text.error());
    *field = *text;
  }
  return match;
}

Result<std::vector<std::string>> ReadThreads(const Node& node) {
  if (!node.IsList() || node.Items().empty() || node.Items().size() > kMaxPerKind) {
    return node.Invalid("expected a list of 1 to 100 thread names");
  }
  std::vector<std::string> names;
  for (const Node& item : node.Items()) {
    auto name = Text(item);
    if (!name) return Fail(name.error());
    if (name->size() > kMaxThreadName) {
      return item.Invalid("the system keeps 15 characters of a thread's name; this is longer");
    }
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      return item.Invalid("named twice");
    }
    names.push_back(*name);
  }
  return names;
}

bool ConsistsOf(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || more.find(c) != more.npos;
  });
}

// `unit:` of systemd, with its suffix; `name:` of the others. What the helper lets through, and
// what no shell on the way reads differently.
Status ReadServiceName(const Node& node, ServiceSpec* service) {
  const bool is_unit = service->kind == ServiceKind::kSystemd;
  const char* key = is_unit ? "unit" : "name";
  const char* other = is_unit ? "name" : "unit";
  if (node[other].Present()) {
    return node[other].Invalid(std::string("is said of another kind of service; here: ") + key);
  }
  if (!node[key].Present()) return {};
  auto name = node[key].String();
  if (!name) return Fail(name.error());
  const bool ok = is_unit ? ConsistsOf(*name, "._@-") && name->find('.') != std::string::npos
                  : service->kind == ServiceKind::kSysv ? ConsistsOf(*name, "._@-")
                                                        : ConsistsOf(*name, " ._@-$()#+{}&");
  const bool plain = (*name)[0] != '-' && (*name)[0] != '.' && (*name)[0] != ' ';
  if (!ok || !plain) {
    return node[key].Invalid(is_unit ? "expected a unit with its suffix, as exim@out.service"
                                     : "expected letters, digits and the usual signs");
  }
  service->name = *name;
  return {};
}

Result<ServiceKind> ReadServiceKind(const Node& node, Platform platform) {
  ServiceKind result = platform == Platform::kWindows ? ServiceKind::kWindows
                       : platform == Platform::kPosix ? ServiceKind::kSysv
                                                      : ServiceKind::kSystemd;
  if (!node["kind"].Present()) return result;
  auto kind = node["kind"].String();
  if (!kind) return Fail(kind.error());
  const auto named = Named<ServiceKind>(*kind);
  if (!named) {
    return node["kind"].Invalid("expected " + Choices<ServiceKind>() + ", found \"" + *kind + "\"");
  }
  result = *named;
  if ((result == ServiceKind::kWindows) != (platform == Platform::kWindows)) {
    return node["kind"].Invalid(std::string("does not exist on platform ") + Name(platform));
  }
  return result;
}

Result<ServiceSpec> ReadService(const Node& node, Platform platform) {
  if (auto known = node.OnlyKeys({"kind", "unit", "name"}); !known) return Fail(known.error());
  auto kind = ReadServiceKind(node, platform);
  if (!kind) return Fail(kind.error());
  ServiceSpec service;
  service.kind = *kind;
  if (auto read = ReadServiceName(node, &service); !read) return Fail(read.error());
  return service;
}

Result<CheckSpec> ReadCheck(const Node& node) {
  if (auto known = node.OnlyKeys({"command", "timeout"}); !known) return Fail(known.error());
  CheckSpec check;
  auto command = Text(node["command"], "\t");
  if (!command) return Fail(command.error());
  check.command = *command;
  if (!node["timeout"].Present()) return check;
  auto timeout = node["timeout"].Duration();
  if (!timeout) return Fail(timeout.error());
  if (*timeout < kLeastCheckTimeout || *timeout > kLongestCheckTimeout) {
    return node["timeout"].Invalid("expected a duration from 10ms to 1m");
  }
  check.timeout = *timeout;
  return check;
}

// The directories and files of a host: label -> {path: ...}.
Status ReadPaths(const Node& node, std::map<std::string, std::string>* paths) {
  return ForEachLabel(node, [&](const Node::Entry& entry) -> Status {
    if (auto known = entry.value.OnlyKeys({"path"}); !known) return known;
    auto path = AbsolutePath(entry.value["path"]);
    if (!path) return Fail(path.error());
    (*paths)[entry.key] = *path;
    return {};
  });
}

// What SSH has given up, and an sshd of long ago may know alone.
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

Status ReadOldAlgorithms(const Node& node, Host* host) {
  if (!node.Present()) return {};
  if (!node.IsList() || node.Items().empty() || node.Items().size() > kOldAlgorithms.size()) {
    return node.Invalid("expected a list of 1 to 10 algorithms, as [ssh-rsa]");
  }
  for (const Node& item : node.Items()) {
    auto name = Text(item);
    if (!name) return Fail(name.error());
    if (std::ranges::find(kOldAlgorithms, *name) == kOldAlgorithms.end()) {
      std::string all;
      for (const std::string_view old : kOldAlgorithms) {
        all.append(all.empty() ? "" : ", ").append(old);
      }
      return item.Invalid("expected one of " + all + "; found \"" + *name + "\"");
    }
    if (std::ranges::find(host->old_algorithms, *name) != host->old_algorithms.end()) {
      return item.Invalid("named twice");
    }
    host->old_algorithms.push_back(*name);
  }
  return {};
}

Status ReadReachability(const Node& node, Host* host) {
  auto address = node["address"].String();
  if (!address) return Fail(address.error());
  if (!IsHostLike(*address, "._-:")) {
    return node["address"].Invalid(
        "expected an IP address or a host name of letters, digits, dots, _ and -, found \"" +
        *address + "\"");
  }
  host->address = *address;
  if (node["port"].Present()) {
    auto port = node["port"].Int(1, 65535);
    if (!port) return Fail(port.error());
    host->port = *port;
  }
  if (node["user"].Present()) {
    auto user = Text(node["user"]);
    if (!user) return Fail(user.error());
    host->user = *user;
  }
  if (node["runner"].Present()) {
    auto runner = node["runner"].String();
    if (!runner) return Fail(runner.error());
    if (*runner == "installed") {
      host->runner = RunnerForm::kInstalled;
    } else if (*runner != "uploaded") {
      return node["runner"].Invalid("expected uploaded or installed, found \"" + *runner + "\"");
    }
  }
  if (!node["platform"].Present()) return {};
  auto platform = node["platform"].String();
  if (!platform) return Fail(platform.error());
  for (Platform one : {Platform::kLinux, Platform::kPosix, Platform::kWindows}) {
    if (*platform == Name(one)) {
      host->platform = one;
      return {};
    }
  }
  return node["platform"].Invalid("expected linux, posix or windows, found \"" + *platform + "\"");
}

Status ReadProcesses(const Node& node, Host* host) {
  auto processes = ForEachLabel(node["processes"], [&](const Node::Entry& entry) -> Status {
    auto match = ReadProcess(entry.value);
    if (!match) return Fail(match.error());
    host->processes[entry.key] = *match;
    return {};
  });
  if (!processes) return processes;
  return ForEachLabel(node["threads"], [&](const Node::Entry& entry) -> Status {
    if (host->processes.count(entry.key) == 0) {
      return entry.key_node.Invalid("expected the name of one of this host's processes");
    }
    auto names = ReadThreads(entry.value);
    if (!names) return Fail(names.error());
    host->threads[entry.key] = *names;
    return {};
  });
}

Status ReadServicesAndChecks(const Node& node, Host* host) {
  auto services = ForEachLabel(node["services"], [&](const Node::Entry& entry) -> Status {
    auto service = ReadService(entry.value, host->platform);
    if (!service) return Fail(service.error());
    host->services[entry.key] = *service;
    return {};
  });
  if (!services) return services;
  auto checks = ForEachLabel(node["checks"], [&](const Node::Entry& entry) -> Status {
    auto check = ReadCheck(entry.value);
    if (!check) return Fail(check.error());
    host->checks[entry.key] = *check;
    return {};
  });
  if (!checks) return checks;
  auto ports = ForEachLabel(node["ports"], [&](const Node::Entry& entry) -> Status {
    auto port = entry.value.Int(1, 65535);
    if (!port) return Fail(port.error());
    host->ports[entry.key] = *port;
    return {};
  });
  if (!ports) return ports;
  return ForEachLabel(node["commands"], [&](const Node::Entry& entry) -> Status {
    auto command = Text(entry.value, "\t\n");
    if (!command) return Fail(command.error());
    host->commands[entry.key] = *command;
    return {};
  });
}

Result<Host> ReadHost(const std::string& name, const Node& node, const std::string& user) {
  if (auto known = node.OnlyKeys({"address", "aliases", "port", "user", "platform", "runner",
                                  "old_algorithms", "processes", "threads", "services",
                                  "directories", "files", "ports", "checks", "commands"});
      !known) {
    return Fail(known.error());
  }
  Host host;
  host.name = name;
  host.user = user;
  if (auto read = ReadReachability(node, &host); !read) return Fail(read.error());
  if (auto read = ReadOldAlgorithms(node["old_algorithms"], &host); !read) {
    return Fail(read.error());
  }
  if (host.platform == Platform::kWindows) {
    for (const char* key : {"processes", "threads", "directories", "files", "checks"}) {
      if (node[key].Present()) return node[key].Invalid("cannot be looked at on a windows host");
    }
  }
  if (host.platform == Platform::kPosix && node["threads"].Present()) {
    return node["threads"].Invalid("ps on a posix host does not tell threads' names");
  }
  if (auto read = ReadProcesses(node, &host); !read) return Fail(read.error());
  if (auto read = ReadServicesAndChecks(node, &host); !read) return Fail(read.error());
  if (auto read = ReadPaths(node["directories"], &host.directories); !read) {
    return Fail(read.error());
  }
  if (auto read = ReadPaths(node["files"], &host.files); !read) return Fail(read.error());
  return host;
}

Status ReadSsh(const Node& node, const std::string& path, std::string* user, Site* site) {
  if (auto known = node.OnlyKeys({"user", "known_hosts", "exporter_key", "actuator_key"}); !known) {
    return known;
  }
  auto name = Text(node["user"]);
  if (!name) return Fail(name.error());
  *user = *name;
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(path, ignored).parent_path();
  if (!node["known_hosts"].Present()) return Fail(node["known_hosts"].String().error());
  for (auto [key, field] : {std::pair("known_hosts", &site->known_hosts),
                            std::pair("exporter_key", &site->exporter_key),
                            std::pair("actuator_key", &site->actuator_key)}) {
    if (!node[key].Present()) continue;
    auto file = Text(node[key]);
    if (!file) return Fail(file.error());
    *field = (folder / *file).lexically_normal().string();
    site->places[key] = node[key].Where() + ": " + node[key].Field();
  }
  return {};
}

Status ReadHosts(const Node& node, const std::string& user, Site* site) {
  if (!node.IsMap()) return node.Invalid("expected a map from host names to hosts");
  const auto entries = node.Entries();
  if (entries.size() > kMaxHosts) return node.Invalid("more than 1000 hosts");
  for (const auto& entry : entries) {
    if (!IsHostLike(entry.key, "._-")) {
      return entry.key_node.Invalid("bad host name; expected letters, digits, dots, _ and -");
    }
    auto host = ReadHost(entry.key, entry.value, user);
    if (!host) return Fail(host.error());
    site->hosts[entry.key] = std::move(*host);
  }
  return {};
}

Status ReadGroups(const Node& node, Site* site) {
  return ForEachLabel(node, [&](const Node::Entry& entry) -> Status {
    if (!entry.value.IsList()) return entry.value.Invalid("expected a list of host names");
    std::set<std::string> seen;
    auto& members = site->groups[entry.key];
    for (const Node& item : entry.value.Items()) {
      auto name = item.String();
      if (!name) return Fail(name.error());
      if (site->hosts.count(*name) == 0) {
        return item.Invalid("no host \"" + *name + "\" is defined under hosts");
      }
      if (!seen.insert(*name).second) return item.Invalid("\"" + *name + "\" is listed twice");
      members.push_back(*name);
    }
    return {};
  });
}

}  // namespace

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
  auto root = ParseYaml(text, path);
  if (!root) return Fail(root.error());
  if (auto known = root->OnlyKeys({"ssh", "groups", "hosts"}); !known) return Fail(known.error());
  Site site;
  std::string user;
  if (auto read = ReadSsh((*root)["ssh"], path, &user, &site); !read) return Fail(read.error());
  if (auto read = ReadHosts((*root)["hosts"], user, &site); !read) return Fail(read.error());
  if (auto read = ReadGroups((*root)["groups"], &site); !read) return Fail(read.error());
  if (auto read = ReadAliases(*root, &site); !read) return Fail(read.error());
  return site;
}

Result<Site> LoadSite(const std::string& path) {
  auto text = ReadFile(path);
  if (!text) return Fail(text.error());
  return ParseSite(*text, path);
}

}  // namespace mailhub::config
