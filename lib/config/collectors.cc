#include "lib/config/collectors.h"

namespace mailhub::config {

bool IsWanted(CollectorKind kind, const Host& host) {
  return CollectedBy(kind).wanted(host);
}

std::optional<CollectorKind> CollectorOf(std::string_view metric) {
  for (const CollectorKind kind : All<CollectorKind>()) {
    for (const std::string_view prefix : CollectedBy(kind).prefixes) {
      if (!prefix.empty() && metric.starts_with(prefix)) return kind;
    }
  }
  return std::nullopt;
}

}  // namespace mailhub::config
