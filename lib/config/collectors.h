// What the exporter collects of a host, in one table for all that must agree: the exporter shows mailhub_collector_success
// for each that a host has things for, and a gate believes a metric only where its collector has succeeded.
#pragma once

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

// Whether the site file has anything of that kind for the host.
bool IsWanted(CollectorKind kind, const Host& host);

// Where the metric comes from: processes for mailhub_thread_running. Nothing for the probe's own series.
std::optional<CollectorKind> CollectorOf(std::string_view metric);

}  // namespace mailhub::config
