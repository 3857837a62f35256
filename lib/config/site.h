// The site file: the hosts, what to probe on each, and the commands that a runbook may name. Both
// programs read the same file, so there is one list of hosts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/words.h"
#include "lib/config/platform.h"
#include "lib/config/service_managers.h"

namespace mailhub::config {

struct ProcessMatch {
  std::string exe;           // absolute path of the executable
  std::string args_contain;  // substring of the arguments joined by spaces; empty: any
  std::string args_lack;     // substring that must not be there; empty: any
  bool operator==(const ProcessMatch&) const = default;
};

// How the actuator's runner comes to a host: each connection brings it, or root installs it with a
// list of what it may run (docs/runner.md).
enum class RunnerForm { kUploaded, kInstalled };
constexpr auto WordsOf(RunnerForm) {
  using enum RunnerForm;
  return Vocabulary<RunnerForm>({{kUploaded, "uploaded"}, {kInstalled, "installed"}});
}

struct ServiceSpec {
  ServiceKind kind = ServiceKind::kSystemd;  // by platform unless the file says so
  std::string name = {};  // its name on the host, a unit with its suffix; empty: its label
  bool operator==(const ServiceSpec&) const = default;
};
// What its manager calls the service with this label: "cron.service".
std::string NameOnHost(const std::string& label, const ServiceSpec& service);

struct CheckSpec {
  std::string command;
  Milliseconds timeout{2000};
  bool operator==(const CheckSpec&) const = default;
};

// Keys of all maps become metric labels: [A-Za-z_][A-Za-z0-9_-]*, at most 64 characters.
struct Host {
  std::string name;
  std::vector<std::string> aliases;  // its other names, in labels; never a host's name
  std::string address;
  int port = 22;
  std::string user;
  Platform platform = Platform::kLinux;
  RunnerForm runner = RunnerForm::kUploaded;
  std::vector<std::string> old_algorithms;  // of SSH, for an sshd of long ago
  std::map<std::string, ProcessMatch> processes;
  // Process -> thread names, at most 15 characters each.
  std::map<std::string, std::vector<std::string>> threads;
  std::map<std::string, ServiceSpec> services;
  std::map<std::string, std::string> directories;  // label -> absolute path
  std::map<std::string, std::string> files;        // label -> absolute path
  std::map<std::string, int> ports;                // label -> TCP port
  std::map<std::string, CheckSpec> checks;
  std::map<std::string, std::string> commands;  // name -> shell command, for runbooks' `use:`
  bool operator==(const Host&) const = default;
};

// Immutable once loaded; may be shared between threads.
struct Site {
  // Absolute paths; a key that the file does not name is "": the program that needs it says so.
  std::string known_hosts;
  std::string exporter_key;
  std::string actuator_key;
  // "site.yml:2:16: ssh.known_hosts", for messages about such a file; by the key's name.
  std::map<std::string, std::string> places;
  // Group -> host names, in the file's order.
  std::map<std::string, std::vector<std::string>> groups;
  std::map<std::string, Host> hosts;

  const Host* FindHost(const std::string& name) const;
  // By its name or one of its aliases, letter by letter.
  const Host* HostCalled(const std::string& name_or_alias) const;
  bool InGroup(const std::string& host, const std::string& group) const;
};

// kInvalid names file:line:column, field and what was expected: unknown keys, hosts that a group
// names but nobody defines, an alias that could mean two hosts, bad labels, relative paths on
// hosts, more than 1,000 hosts, ports outside 1..65535.
Result<Site> LoadSite(const std::string& path);
Result<Site> ParseSite(const std::string& text, const std::string& path);

}  // namespace mailhub::config
