#include "lib/config/collectors.h"

namespace mailhub::config {
namespace {

// Otherwise a metric's collector would depend on the order of the table.
constexpr bool NoPrefixBeginsWithAnother() {
  for (const CollectorKind one : All<CollectorKind>()) {
    for (const CollectorKind other : All<CollectorKind>()) {
      for (const std::string_view prefix : CollectedBy(one).prefixes) {
        for (const std::string_view of : CollectedBy(other).prefixes) {
          if (one != other && !of.empty() && prefix.starts_with(of)) return false;
        }
      }
    }
  }
  return true;
}
static_assert(NoPrefixBeginsWithAnother());

}  // namespace

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
