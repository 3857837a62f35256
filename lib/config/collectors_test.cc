// The table of collectors.
#include "lib/config/collectors.h"

#include <gtest/gtest.h>

namespace mailhub::config {
namespace {

TEST(Collectors, EveryMetricIsItsCollectors) {
  EXPECT_EQ(CollectorOf("mailhub_thread_running"), CollectorKind::kProcesses);
  EXPECT_EQ(CollectorOf("mailhub_check_value"), CollectorKind::kChecks);
  EXPECT_EQ(CollectorOf("mailhub_host_cpu_seconds_total"), CollectorKind::kHost);
  EXPECT_EQ(CollectorOf("probe_success"), std::nullopt);
}

TEST(Collectors, AreWantedWhereTheSiteFileHasSomethingForThem) {
  Host host;
  for (const CollectorKind kind : All<CollectorKind>()) {
    EXPECT_EQ(IsWanted(kind, host), kind == CollectorKind::kHost) << Name(kind);
  }
  host.files["passwd"] = "/etc/passwd";
  EXPECT_TRUE(IsWanted(CollectorKind::kFiles, host));
}

}  // namespace
}  // namespace mailhub::config
