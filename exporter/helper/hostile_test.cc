// Processes with hostile names: the helper takes them for text, runs none of it, and still answers.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class HostileTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    fs::create_directories(folder_ / "here");
    // Evaluated text would leave files here, or print something.
    prefix_ = {"env", "-C", File("here")};
  }

  // Each look succeeds, is true, and leaves nothing behind.
  void ExpectNothing() {
    for (int look = 0; look < 2; ++look) {
      const Seen seen = Look(host_);
      ASSERT_TRUE(seen.complete);
      for (const auto& [name, process] : host_.processes) {
        EXPECT_EQ(Running(seen, name), name == "runs" ? 1 : 0) << name;
      }
      EXPECT_TRUE(fs::is_empty(folder_ / "here"));
    }
  }

  config::Host host_;
};

TEST_P(HostileTest, RunsNoPartOfAProcessName) {
  for (const char* name : {"a", "ab", "slapd", "openRA"}) {
    host_.processes[name] = {File(name), "", ""};
  }
  host_.processes["runs"] = {Copy("runs"), "", ""};
  const auto runs = Run(File("runs"), {});
  std::vector<std::unique_ptr<TestingProcess>> others;
  const std::string other = Copy("other/x");
  for (const char* name :
       {"a///proc/=/*/x ", "a///proc/}`$m_`", "ab///proc/}`>a`", "ab///proc/}$(>b",
        "slapd///proc/?", "openRA///proc/?", "slapd\n/proc/1;>c", "slapd", "a"}) {
    others.push_back(Run(other, {"--name", name}));
  }
  std::mt19937 chance(20260401);
  const auto text = [&](size_t most) {
    const std::vector<std::string> parts = {
        "`>a`", "$(>b)", ";>c;",   "//", "/proc/", "$m_", "}",  "{",   "\"",  "'",        "\\",
        "*",    "?",     "[",      "]",  " ",      "\n",  "\t", "&>d", "|",   "#",        "~",
        "!",    "slapd", "openRA", "ab", "0",      "1",   "=",  "%s",  "-ef", "(deleted)"};
    std::string made = parts[chance() % parts.size()];
    while (made.size() < most && chance() % 6 != 0) made += parts[chance() % parts.size()];
    return made.substr(0, most);
  };
  for (int i = 0; i < 60; ++i) {
    std::string file = text(30);
    std::replace(file.begin(), file.end(), '/', '_');
    file = Copy("other/" + std::to_string(i) + file);
    others.push_back(Run(file, {"--name", text(15), text(40)}, text(60)));
    if (i % 3 == 0) fs::remove(file);
  }
  ExpectNothing();
}

// A key restricted to the helper may be stolen; its requests are text, too.
TEST_P(HostileTest, RunsNoPartOfAnExeName) {
  const std::string x = Copy("x");
  const auto process = Run(x, {});
  host_.processes["a"] = {x + "//;>a;//", "", ""};
  host_.processes["b"] = {x + "//`>b`", "", ""};
  host_.processes["c"] = {x + "//$(>c)//0", "", ""};
  fs::remove(x);
  ExpectNothing();
}

// perl starts no shell; where there are checks, the shell does.
class HostileShellTest : public HostileTest {};

TEST_P(HostileShellTest, StartsNoMoreChecksAndScriptsThanASiteFileMayHave) {
  std::string spec = "spec\n";
  for (int i = 0; i < 300; ++i)
    spec += "check c" + std::to_string(i) + " 9000 echo x\nsysv none" + std::to_string(i) + "\n";
  StartHelper(host_);
  helper_->Write(spec + "end\ngo nonce 9000\n");
  std::string said;
  ASSERT_TRUE(helper_->WaitFor("nonce end", &said));
  EXPECT_THAT(said, testing::HasSubstr("status 99 0"));
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("status 100 ")));
  EXPECT_THAT(said, testing::HasSubstr("sysv none99 "));
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("sysv none100 ")));
}

MAILHUB_FOR_EVERY_ENGINE(HostileTest);
MAILHUB_FOR_EVERY_SHELL(HostileShellTest);

}  // namespace
}  // namespace mailhub::exporter
