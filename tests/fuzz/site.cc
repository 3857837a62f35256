// The site file, which both programs read.
#include "lib/config/site.h"

#include <algorithm>
#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/yaml_text.h"

namespace mailhub::fuzz {
namespace {

using config::Host;
using config::Site;

constexpr char kPath[] = "/etc/mailhub/site.yml";

template <typename Texts>
std::string List(const Texts& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? ", " : "") + Quoted(text);
  return list + "]";
}

// One map of a host: label -> result of `value`.
template <typename Map, typename Value>
std::string Part(const char* name, const Map& map, Value&& value) {
  std::string text;
  for (const auto& [label, one] : map) {
    text += "      ? " + Quoted(label) + "\n      : " + value(one) + "\n";
  }
  return text.empty() ? "" : "    " + std::string(name) + ":\n" + text;
}

std::string Service(const config::ServiceSpec& service) {
  std::string text = std::string("{kind: ") + Name(service.kind);
  if (!service.name.empty()) {
    text.append(", ").append(config::ManagerOf(service.kind).name_key).append(": ");
    text += Quoted(service.name);
  }
  return text + "}";
}

std::string Process(const config::ProcessMatch& match) {
  std::string text = "{exe: " + Quoted(match.exe);
  if (!match.args_contain.empty()) text += ", args_contain: " + Quoted(match.args_contain);
  if (!match.args_lack.empty()) text += ", args_lack: " + Quoted(match.args_lack);
  return text + "}";
}

std::string Written(const Host& host) {
  const auto path = [](const std::string& one) { return "{path: " + Quoted(one) + "}"; };
  std::string text = "  ? " + Quoted(host.name) + "\n  :\n    address: " + Quoted(host.address) +
                     "\n    port: " + std::to_string(host.port) +
                     "\n    user: " + Quoted(host.user) + "\n    platform: " + Name(host.platform) +
                     "\n";
  if (!host.aliases.empty()) text += "    aliases: " + List(host.aliases) + "\n";
  if (!host.old_algorithms.empty()) {
    text += "    old_algorithms: " + List(host.old_algorithms) + "\n";
  }
  if (host.runner == config::RunnerForm::kInstalled) text += "    runner: installed\n";
  text += Part("processes", host.processes, Process);
  text += Part("threads", host.threads, List<std::vector<std::string>>);
  text += Part("services", host.services, Service);
  text += Part("directories", host.directories, path);
  text += Part("files", host.files, path);
  text += Part("ports", host.ports, [](int port) { return std::to_string(port); });
  text += Part("checks", host.checks, [](const config::CheckSpec& check) {
    return "{command: " + Quoted(check.command) +
           ", timeout: " + std::to_string(check.timeout.count()) + "ms}";
  });
  return text + Part("commands", host.commands, Quoted);
}

std::string Written(const Site& site) {
  std::string text = "ssh:\n  user: u\n  known_hosts: " + Quoted(site.known_hosts) + "\n";
  if (!site.exporter_key.empty()) text += "  exporter_key: " + Quoted(site.exporter_key) + "\n";
  if (!site.actuator_key.empty()) text += "  actuator_key: " + Quoted(site.actuator_key) + "\n";
  if (!site.groups.empty()) text += "groups:\n";
  for (const auto& [name, members] : site.groups) {
    text += "  ? " + Quoted(name) + "\n  : " + List(members) + "\n";
  }
  text += site.hosts.empty() ? "hosts: {}\n" : "hosts:\n";
  for (const auto& [name, host] : site.hosts) text += Written(host);
  return text;
}

// Text that may become a label, a line of a request, or a part of a shell's command.
void DemandSound(const Site& site) {
  const auto one_line = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  };
  Demand(site.known_hosts.starts_with('/'), "a path is absolute", site.known_hosts);
  for (const auto& [name, host] : site.hosts) {
    Demand(one_line(host.address) && host.address.find(' ') == std::string::npos &&
               !host.address.starts_with('-'),
           "an address is no option", host.address);
    Demand(host.port >= 1 && host.port <= 65535, "a port is one");
    for (const auto& [label, service] : host.services) {
      const std::string& called = service.name.empty() ? label : service.name;
      Demand(one_line(called) && !called.starts_with('-') && called.find('\'') == called.npos &&
                 called.find('/') == called.npos,
             "a service is a name", called);
    }
    for (const auto& [label, match] : host.processes) {
      Demand(match.exe.starts_with('/') && one_line(match.exe), "a path is absolute", match.exe);
      Demand(one_line(match.args_contain + match.args_lack), "arguments are a line", label);
    }
    for (const auto& [label, check] : host.checks) {
      Demand(one_line(check.command) || check.command.find('\n') == std::string::npos,
             "a check is a line", check.command);
    }
  }
}

}  // namespace

void TrySite(std::string_view bytes) {
  const auto site = config::ParseSite(std::string(bytes), kPath);
  if (!site) {
    Demand(site.error().kind == ErrorKind::kInvalid, "a bad file is invalid");
    return DemandPlaced(site.error(), kPath, bytes);
  }
  DemandSound(*site);
  const std::string written = Written(*site);
  const auto again = config::ParseSite(written, kPath);
  if (!again) {
    return Demand(false, "a site that was written is read: " + again.error().message, written);
  }
  Demand(again->hosts == site->hosts && again->groups == site->groups &&
             again->known_hosts == site->known_hosts && again->exporter_key == site->exporter_key &&
             again->actuator_key == site->actuator_key,
         "a site is the same when it is written and read", written);
}

}  // namespace mailhub::fuzz
