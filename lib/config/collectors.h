// What the exporter collects of a host, in one table for all that must agree: the exporter shows mailhub_collector_success
// for each that a host has things for, and a gate believes a metric only where its collector has succeeded.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "lib/base/words.h"
#include "lib/config/site.h"

namespace mailhub::config {

enum class CollectorKind { kHost, kProcesses, kServices, kDirectories, kFiles, kPorts, kChecks };
constexpr auto WordsOf(CollectorKind) {
  using enum CollectorKind;
  return Vocabulary<CollectorKind>({{kHost, "host"},
                                    {kProcesses, "processes"},
                                    {kServices, "services"},
                                    {kDirectories, "directories"},
                                    {kFiles, "files"},
                                    {kPorts, "ports"},
                                    {kChecks, "checks"}});
}

// What a collector gets, and from which hosts.
struct Collected {
  std::array<std::string_view, 2> prefixes;  // of the names of its metrics; "": no second one
  bool (*wanted)(const Host& host);  // whether the site file has anything of that kind for it
};

constexpr Collected CollectedBy(CollectorKind kind) {
  switch (kind) {
    case CollectorKind::kHost:
      return {{"mailhub_host_"}, [](const Host&) { return true; }};
    case CollectorKind::kProcesses:
      return {{"mailhub_process_", "mailhub_thread_"},
              [](const Host& host) { return !host.processes.empty(); }};
    case CollectorKind::kServices:
      return {{"mailhub_service_"}, [](const Host& host) { return !host.services.empty(); }};
    case CollectorKind::kDirectories:
      return {{"mailhub_directory_"}, [](const Host& host) { return !host.directories.empty(); }};
    case CollectorKind::kFiles:
      return {{"mailhub_file_"}, [](const Host& host) { return !host.files.empty(); }};
    case CollectorKind::kPorts:
      return {{"mailhub_port_"}, [](const Host& host) { return !host.ports.empty(); }};
    case CollectorKind::kChecks:
      return {{"mailhub_check_"}, [](const Host& host) { return !host.checks.empty(); }};
  }
  return {{}, [](const Host&) { return false; }};
}

// Whether the site file has anything of that kind for the host.
bool IsWanted(CollectorKind kind, const Host& host);

// Where the metric comes from: processes for mailhub_thread_running. Nothing for the probe's own series.
std::optional<CollectorKind> CollectorOf(std::string_view metric);

}  // namespace mailhub::config
