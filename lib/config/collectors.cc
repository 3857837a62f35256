#include "lib/config/collectors.h"

#include <array>

namespace mailhub::config {
namespace {

struct Facts {
  std::array<std::string_view, 2> prefixes;  // of the names of its metrics; "": no second one
  bool (*wanted)(const Host& host);
};

Facts FactsOf(CollectorKind kind) {
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
  return {};
}

}  // namespace

bool IsWanted(CollectorKind kind, const Host& host) {
  return FactsOf(kind).wanted(host);
}

std::optional<CollectorKind> CollectorOf(std::string_view metric) {
  for (const CollectorKind kind : All<CollectorKind>()) {
    for (const std::string_view prefix : FactsOf(kind).prefixes) {
      if (!prefix.empty() && metric.starts_with(prefix)) return kind;
    }
  }
  return std::nullopt;
}

}  // namespace mailhub::config
