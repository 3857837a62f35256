// The values of the host itself when they are unreadable for a while.
#include <gmock/gmock.h>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class HostFactsTest : public HelperTest {
 protected:
  static std::optional<double> Memory(const Seen& seen) {
    return Value(seen.families, "mailhub_host_memory_total_bytes", {});
  }
  config::Host host_;
};

TEST_P(HostFactsTest, NothingOldIsSaidOfMemory) {
  Change("/proc/meminfo", File("meminfo"));
  std::ofstream(File("meminfo")) << "MemTotal: 4 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n";
  EXPECT_EQ(Memory(Look(host_)), 4096);
  fs::remove(File("meminfo"));
  const Seen seen = Look(host_);
  EXPECT_EQ(Memory(seen), std::nullopt);
  EXPECT_EQ(Value(seen.families, "mailhub_host_memory_available_bytes", {}), std::nullopt);
}

// What /proc does not tell is left out, and hides nothing else; the engines agree.
TEST_P(HostFactsTest, WhatIsNotToldHidesNothingElse) {
  Change("/proc/meminfo", File("meminfo"));
  Change("/proc/stat", File("stat"));
  const std::string memory = "MemTotal: 4 kB\n", more = "MemFree: 1 kB\nMemAvailable: 2 kB\n";
  const std::string processors = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  const auto look = [&](const std::string& meminfo, const std::string& stat) {
    std::ofstream(File("meminfo")) << meminfo;
    std::ofstream(File("stat")) << stat;
    helper_.reset();
    const Seen seen = Look(host_);
    for (const char* name : {"mailhub_host_uptime_seconds", "mailhub_host_time_seconds"}) {
      EXPECT_TRUE(Value(seen.families, name, {})) << name;
    }
    EXPECT_EQ(seen.families.all().count("mailhub_host_info"), 1u);
    EXPECT_EQ(Value(seen.families, "mailhub_host_cpus", {}).has_value(), !stat.empty());
    EXPECT_EQ(
        Value(seen.families, "mailhub_host_cpu_seconds_total", {{"mode", "idle"}}).has_value(),
        !stat.empty());
    EXPECT_EQ(Memory(seen).has_value(), !meminfo.empty());
    return seen.outcomes.at("host").has_value();
  };
  EXPECT_TRUE(look(memory + more, processors));
  EXPECT_TRUE(look(memory, processors)) << "as Linux before 3.14, which tells no available memory";
  EXPECT_FALSE(look("", processors));
  EXPECT_FALSE(look(memory + more, ""));
  EXPECT_FALSE(look("", ""));
}

TEST_P(HostFactsTest, TheBootTimeIsAskedAgainIfNobodyCouldTell) {
  fs::create_directories(folder_ / "standins");
  const fs::path grep = folder_ / "standins" / "grep";
  std::ofstream(grep) << "#!/bin/sh\n[ ! -e '" << File("broken")
                      << "' ] || exit 126\nPATH=/usr/bin:/bin\nexec grep \"$@\"\n";
  fs::permissions(grep, fs::perms::owner_all);
  Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
  std::ofstream(File("broken")) << "yes";
  const auto process = Run(Copy("eddy"), {});
  host_.processes["eddy"] = {File("eddy"), "", ""};
  const auto start = [&] {
    return Value(Look(host_).families, "mailhub_process_start_time_seconds", {{"process", "eddy"}});
  };
  EXPECT_EQ(start(), std::nullopt);
  fs::remove(File("broken"));
  EXPECT_NEAR(start().value_or(0), Now(), 30);
}

MAILHUB_FOR_EVERY_ENGINE(HostFactsTest);

}  // namespace
}  // namespace mailhub::exporter
