// Scripts in /etc/init.d, of which no more is known than what they say of their status.
#include <gmock/gmock.h>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class StatusScriptTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    fs::create_directories(folder_ / "init.d");
    Change("/etc/init.d/", File("init.d/"));
  }
  void Script(const std::string& name, const std::string& text) {
    const std::string path = File("init.d/" + name);
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(path, fs::perms::owner_all);
    host_.services[name] = {config::ServiceKind::kSysv};
  }
  static std::string State(const Seen& seen, const std::string& name) {
    for (const char* one : {"active", "inactive", "failed", "absent"}) {
      const metrics::Labels labels = {{"name", name}, {"state", one}};
      if (Value(seen.families, "mailhub_service_state", labels) == 1) return one;
    }
    return "unknown";
  }
  config::Host host_;
};

TEST_P(StatusScriptTest, BelievesNoStatusOfAScriptThatPrintsItsUsage) {
  for (const char* status : {"0", "1", "2", "3"}) {
    const std::string exit = std::string("; exit ") + status;
    Script(std::string("usage") + status, "echo \"Usage: $0 {start|stop}\"; echo more" + exit);
    Script(std::string("error") + status, "echo \"  USAGE: $0 start\" >&2" + exit);
  }
  Script("runs", "echo 'runs: see usage'; echo 'Usage: none'");
  Script("stopped", "echo stopped; exit 3");
  Script("silent", "exit 1");
  Script("long", "yes | head -n 100000; exit 3");
  Script("leaves", "sleep 4 & exit 3");
  Script("hangs", "sleep 4");
  Script("lies", "printf 'status 0 0\\noutput 0 usage\\n'; exit 3");
  for (const bool with_timeout : {true, false}) {
    if (!with_timeout) Change("has_timeout=1", "has_timeout=");
    helper_.reset();
    const Seen seen = Look(host_);
    for (const char* status : {"0", "1", "2", "3"}) {
      EXPECT_EQ(State(seen, std::string("usage") + status), "unknown") << status;
      EXPECT_EQ(State(seen, std::string("error") + status), "unknown") << status;
    }
    EXPECT_EQ(State(seen, "runs"), "active");
    EXPECT_EQ(State(seen, "stopped"), "inactive");
    EXPECT_EQ(State(seen, "silent"), "failed");
    EXPECT_EQ(State(seen, "long"), "inactive");
    EXPECT_EQ(State(seen, "leaves"), "inactive");
    EXPECT_EQ(State(seen, "hangs"), "unknown");
    EXPECT_EQ(State(seen, "lies"), "inactive");
  }
}

TEST_P(StatusScriptTest, SeesAUsageThatIsDecorated) {
  const std::map<std::string, std::string> usages = {
      {"star", "echo \" * Usage: $0 {start|stop}\""},
      {"colour", "printf '\\033[1;31m\\033[KUsage:\\033[0m start\\n'"},
      {"star_colour", "printf ' \\033[33;01m*\\033[0m usage: start\\n'"},
      {"empty", "echo; echo; echo 'Usage: start'"},
      {"named", "echo \"$0: Usage: start\""},
      {"short", "echo 'named: usage: start'"}};
  for (const auto& [name, text] : usages) Script(name, text + "; exit 3");
  const std::map<std::string, std::string> others = {
      {"speaks", "echo ' * memory usage: 5 MB'"},
      {"sees", "echo 'named: see usage: none'"},
      {"says", "echo 'named is stopped'; echo 'Usage: none'"},
      {"mute", "echo; echo"},
      {"star_only", "echo '*'"}};
  for (const auto& [name, text] : others) Script(name, text + "; exit 3");
  const Seen seen = Look(host_);
  for (const auto& [name, text] : usages) EXPECT_EQ(State(seen, name), "unknown") << name;
  for (const auto& [name, text] : others) EXPECT_EQ(State(seen, name), "inactive") << name;
}

// One without a part of its own in the script would have no answer, as if nothing had been asked.
TEST_P(StatusScriptTest, AsksEveryManagerOfTheTable) {
  for (const config::ServiceKind kind : All<config::ServiceKind>()) {
    if (config::ManagerOf(kind).request.empty()) continue;
    config::Host host;
    host.services["none"] = {kind};
    helper_.reset();
    EXPECT_TRUE(Look(host).outcomes.contains("services")) << Name(kind);
  }
}

MAILHUB_FOR_EVERY_ENGINE(StatusScriptTest);

}  // namespace
}  // namespace mailhub::exporter
