#include "exporter/web/render.h"

#include <algorithm>
#include <sstream>

namespace mailhub::exporter {
namespace {

// A JSON string; YAML reads it too.
std::string Quote(const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string EscapeHtml(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

constexpr char kHidden[] = "<secret>";

// "    KEY:" and one entry per line, or nothing for an empty map.
template <typename Map, typename Write>
void Section(std::ostream& out, const char* key, const Map& map, Write&& write) {
  if (map.empty()) return;
  out << "    " << key << ":\n";
  for (const auto& [name, value] : map) {
    out << "      " << name << ": ";
    write(value);
    out << "\n";
  }
}

void RenderHost(std::ostream& out, const config::Host& host) {
  out << "  " << Quote(host.name) << ":\n    address: " << Quote(host.address)
      << "\n    port: " << host.port << "\n    user: " << Quote(host.user)
      << "\n    platform: " << Name(host.platform) << "\n";
  const auto path = [&](const std::string& value) { out << "{path: " << Quote(value) << "}"; };
  Section(out, "processes", host.processes, [&](const config::ProcessMatch& match) {
    out << "{exe: " << Quote(match.exe);
    if (!match.args_contain.empty()) out << ", args_contain: " << Quote(match.args_contain);
    if (!match.args_lack.empty()) out << ", args_lack: " << Quote(match.args_lack);
    out << "}";
  });
  Section(out, "threads", host.threads, [&](const std::vector<std::string>& names) {
    const char* separator = "[";
    for (const std::string& name : names) {
      out << separator << Quote(name);
      separator = ", ";
    }
    out << "]";
  });
  Section(out, "services", host.services, [&](const config::ServiceSpec& service) {
    out << "{kind: " << Name(service.kind) << "}";
  });
  Section(out, "directories", host.directories, path);
  Section(out, "files", host.files, path);
  Section(out, "ports", host.ports, [&](int port) { out << port; });
  Section(out, "checks", host.checks, [&](const config::CheckSpec& check) {
    out << "{command: " << kHidden << ", timeout: " << check.timeout.count() << "ms}";
  });
  Section(out, "commands", host.commands, [&](const std::string&) { out << kHidden; });
}

}  // namespace

std::string RenderDiscovery(const config::Site& site) {
  std::ostringstream out;
  const char* separator = "[";
  for (const auto& [name, host] : site.hosts) {
    std::string groups = ",";
    for (const auto& [group, members] : site.groups) {
      if (site.InGroup(name, group)) groups += group + ",";
    }
    out << separator << "\n  {\"targets\": [" << Quote(name)
        << "], \"labels\": {\"__meta_mailhub_address\": " << Quote(host.address)
        << ", \"__meta_mailhub_platform\": " << Quote(Name(host.platform))
        << ", \"__meta_mailhub_groups\": " << Quote(groups) << "}}";
    separator = ",";
  }
  out << (site.hosts.empty() ? "[]\n" : "\n]\n");
  return out.str();
}

std::string RenderConfig(const config::Site& site) {
  std::ostringstream out;
  out << "ssh:\n  known_hosts: " << Quote(site.known_hosts) << "\n  exporter_key: " << kHidden
      << "\n  actuator_key: " << kHidden << "\n";
  out << "groups:" << (site.groups.empty() ? " {}\n" : "\n");
  for (const auto& [group, members] : site.groups) {
    const char* separator = ": [";
    out << "  " << group << (members.empty() ? ": [" : "");
    for (const std::string& member : members) {
      out << separator << Quote(member);
      separator = ", ";
    }
    out << "]\n";
  }
  out << "hosts:" << (site.hosts.empty() ? " {}\n" : "\n");
  for (const auto& [name, host] : site.hosts) RenderHost(out, host);
  return out.str();
}

std::string RenderLanding(const config::Site* site, const std::string& version,
                          const std::string& telemetry_path) {
  std::ostringstream out;
  const std::string path = EscapeHtml(telemetry_path);
  const size_t begin = std::min(telemetry_path.find_first_not_of('/'), telemetry_path.size());
  const std::string link = "./" + EscapeHtml(telemetry_path.substr(begin));
  out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<title>mailhub_exporter</title></head>\n<body><h1>mailhub_exporter</h1>\n<p>Version "
      << EscapeHtml(version) << ". Probes the hosts of the site file, one per request.</p>\n"
      << "<form action=\"probe\"><label>Host <select name=\"target\">";
  if (site != nullptr) {
    for (const auto& [name, host] : site->hosts)
      out << "<option>" << EscapeHtml(name) << "</option>";
  }
  out << "</select></label> <button>Probe</button> <button name=\"debug\" value=\"true\">Probe, "
         "and tell why"
         "</button></form>\n<ul>\n<li><a href=\""
      << link << "\">" << path << "</a>: the exporter's own metrics</li>\n"
      << "<li><a href=\"sd\">/sd</a>: the hosts, for http_sd_configs</li>\n"
         "<li><a href=\"config\">/config</a>: the site file in force</li>\n"
         "<li><a href=\"-/healthy\">/-/healthy</a>, <a href=\"-/ready\">/-/ready</a></li>\n"
         "</ul></body></html>\n";
  return out.str();
}

}  // namespace mailhub::exporter
