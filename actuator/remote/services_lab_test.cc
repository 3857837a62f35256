// Compares the runner's answers about services with systemd and the processes themselves.
// MAILHUB_LAB_UNITS: number of made-up units; MAILHUB_LAB_SEED: their seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <vector>

#include "actuator/remote/testing_lab.h"

namespace mailhub::remote {
namespace {

using engine::Receipt;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

const std::string kFolder = "/run/systemd/system/mailhub-test-";

int FromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : otherwise;
}

class Services : public Lab {
 protected:
  void TearDown() override {
    Shell("systemctl kill -s KILL 'mailhub-test-*'; pkill -KILL -f 'sleep 31410[.]'; rm -f " +
          kFolder + "*; systemctl daemon-reload; systemctl reset-failed");
    Lab::TearDown();
  }
  Receipt Finished(const std::string& command) {
    const std::string key = "r/" + std::to_string(++commands_) + "/1";
    RemoteReply reply;
    EXPECT_TRUE(Eventually([&] {
      reply = Ask(RemoteVerb::kRun, key, command);
      return reply.receipt && reply.receipt->state == ReceiptState::kFinished;
    })) << command;
    return reply.receipt.value_or(Receipt{});
  }
  Receipt Bring(const std::string& name, const std::string& state) {
    return Finished("@service mailhub-test-" + name + " " + state + " systemd");
  }

 private:
  int commands_ = 0;
};

// The states of real units, and the answers about those that do not stay up.
TEST_F(Services, BelievesAServiceOnlyWhenItStaysUp) {
  struct Unit {
    const char* name;
    const char* text;   // of its file
    const char* words;  // in the answer to a start; "": success
  };
  const std::vector<Unit> units = {
      {"good.service", "[Service]\nExecStart=/bin/sleep infinity", ""},
      {"dies.service", "[Service]\nExecStart=/bin/sh -c \"sleep 0.3; exit 7\"",
       "is failed (failed), result exit-code"},
      {"ends.service", "[Service]\nExecStart=/bin/sleep 0.3", "is inactive (dead)"},
      {"loop.service",
       "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c \"sleep 0.3; exit 1\"\n"
       "Restart=always\nRestartSec=100ms",
       "it does not stay up"},
      {"slow.service",
       "[Service]\nExecStart=/bin/sh -c \"sleep 1; exit 1\"\nRestart=always\nRestartSec=30s",
       "is activating (auto-restart)"},
      {"once.service", "[Service]\nType=oneshot\nExecStart=/bin/true", ""},
      {"oncebad.service", "[Service]\nType=oneshot\nExecStart=/bin/false", "result exit-code"},
      {"maybe.service", "[Service]\nType=oneshot\nExecCondition=/bin/false\nExecStart=/bin/true",
       "may not have been met"},
      {"stays.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true", ""},
      {"noexec.service", "[Service]\nExecStart=/no/such/program", "result exit-code"},
      {"limit.service",
       "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\n"
       "ExecStart=/bin/sleep infinity",
       ""},
      {"unmet.service",
       "[Unit]\nConditionPathExists=/no/such\n[Service]\nType=oneshot\nExecStart=/bin/true",
       "is inactive (dead), result success, a condition of it was not met"},
      {"once.timer", "[Timer]\nOnCalendar=hourly", ""}};
  for (const Unit& unit : units) {
    Shell("cat >" + kFolder + unit.name + " <<'END'\n" + unit.text + "\nEND");
  }
  Shell("cat >" + kFolder +
        "frozen.service <<'END'\n[Service]\nKillMode=process\nSendSIGKILL=no\nTimeoutStopSec=1\n"
        "ExecStart=/bin/sh -c \"trap '' TERM; sleep 31410.0\"\nEND");
  Shell("ln -sf /dev/null " + kFolder + "masked.service; systemctl daemon-reload");
  Shell("for i in 1 2 3 4; do systemctl restart mailhub-test-limit.service; done");
  EXPECT_EQ(Shell("systemctl is-failed mailhub-test-limit.service"), "failed\n");
  for (const Unit& unit : units) {
    const engine::Receipt started = Bring(unit.name, "started");
    EXPECT_EQ(started.exit_status == 0, *unit.words == 0) << unit.name << ": " << started.output;
    // On a busy host a crash loop may be between two starts at both looks.
    const std::string other = *unit.words == 0 ? "" : "auto-restart";
    EXPECT_THAT(started.output, testing::AnyOf(HasSubstr(unit.words), HasSubstr(other)))
        << unit.name;
    const engine::Receipt stopped = Bring(unit.name, "stopped");
    EXPECT_EQ(stopped.exit_status, 0) << unit.name << ": " << stopped.output;
  }
  EXPECT_THAT(Bring("masked.service", "started").output, HasSubstr("masked"));
  EXPECT_THAT(Bring("nothere.service", "started").output, HasSubstr("not-found"));
  EXPECT_EQ(Bring("frozen.service", "started").exit_status, 0);
  EXPECT_THAT(Bring("frozen.service", "stopped").output, HasSubstr("processes of it go on"));
}

// A unit of any kind that works, ends, hangs, or cannot begin.
class MadeUp {
 public:
  MadeUp(int number, unsigned seed)
      : name_(std::to_string(number) + ".service"),
        sleeps_("sleep 31410." + std::to_string(number)),
        evidence_("/run/mailhub-test-" + std::to_string(number)),
        random_(seed) {}

  const std::string& name() const { return name_; }
  const std::string& sleeps() const { return sleeps_; }
  const std::string& evidence() const { return evidence_; }  // has one line per start
  const std::string& type() const { return type_; }

  std::string Text() {
    std::string text = "[Unit]\n";
    if (One(8)) text += "ConditionPathExists=/no/such\n";
    if (One(12)) text += "AssertPathExists=/no/such\n";
    if (One(2)) text += "StartLimitIntervalSec=0\n";
    type_ = Of({"simple", "exec", "oneshot", "forking", "notify"});
    text +=
        "[Service]\nType=" + type_ + "\nNotifyAccess=all\nTimeoutStartSec=2\nTimeoutStopSec=1\n";
    text +=
        "ExecStart=" + (One(12) ? "/no/such/program" : "/bin/sh -c \"" + Script() + "\"") + "\n";
    if (One(6))
      text += Of({"ExecStartPre=/bin/false\n", "ExecStartPre=/bin/sleep 0.5\n",
                  "ExecStartPost=/bin/false\n"});
    if (One(6))
      text +=
          Of({"ExecStop=/bin/false\n", "ExecStop=/bin/sleep 10\n", "ExecStopPost=/bin/false\n"});
    if (One(4)) text += "RemainAfterExit=yes\n";
    if (One(2))
      text += "Restart=" + (type_ == "oneshot" ? "on-failure" : Of({"always", "on-failure"})) +
              "\nRestartSec=" + Of({"100ms", "1s", "30s"}) + "\n";
    if (One(4)) text += "KillMode=" + Of({"process", "mixed"}) + "\n";
    if (One(4)) text += "SendSIGKILL=no\n";
    return text;
  }
  std::string NextState() { return Of({"started", "started", "restarted", "stopped"}); }

 private:
  bool One(int of) { return random_() % of == 0; }
  std::string Of(const std::vector<std::string>& these) { return these[random_() % these.size()]; }
  std::string Script() {
    const std::string begins = "echo begun >>" + evidence_ + "; ";
    const std::string trap = One(4) ? "trap '' TERM; " : "";
    const std::string ends = Of({"exit 0", "exit 7", "kill -9 $$$$"});
    const std::string life =
        type_ != "oneshot" && !One(3) ? sleeps_ : "sleep " + Of({"0", "0.3", "1"}) + "; " + ends;
    if (type_ == "forking") return begins + trap + "(" + life + ") &";
    if (type_ == "notify") return begins + trap + (One(6) ? "" : "systemd-notify --ready; ") + life;
    return begins + trap + life;
  }

  std::string name_;
  std::string sleeps_;
  std::string evidence_;
  std::string type_;
  std::mt19937 random_;
};

using Properties = std::map<std::string, std::string>;

// The state by systemd and the processes, now and 1 s later.
struct Seen {
  Properties first, second;
  bool begun = false;  // since the last look
  bool sleeps = false;

  static bool IsUp(const Properties& unit) { return unit.at("ActiveState") == "active"; }
  bool StaysUp() const {
    for (const char* same : {"MainPID", "NRestarts", "ActiveEnterTimestampMonotonic"})
      if (first.at(same) != second.at(same)) return false;
    return IsUp(first) && IsUp(second);
  }
  bool HasDoneItsWork() const {
    return first.at("ActiveState") == "inactive" && first.at("Result") == "success" && begun;
  }
  bool IsDown() const {
    for (const Properties* unit : {&first, &second}) {
      const std::string& state = unit->at("ActiveState");
      if (state != "inactive" && (state != "failed" || sleeps)) return false;
    }
    return true;
  }
};

class MadeUpServices : public Services {
 protected:
  Seen Look(const MadeUp& unit) {
    const std::string show =
        "systemctl show --property=ActiveState,Result,MainPID,NRestarts,"
        "ActiveEnterTimestampMonotonic mailhub-test-" +
        unit.name();
    std::istringstream lines(Finished("cat " + unit.evidence() + "; rm -f " + unit.evidence() +
                                      "; " + show + "; sleep 1; echo; " + show + "; pgrep -xf '" +
                                      unit.sleeps() + "' >/dev/null && echo sleeps")
                                 .output);
    Seen seen;
    Properties* into = &seen.first;
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) into = &seen.second;
      if (line == "begun") seen.begun = true;
      if (line == "sleeps") seen.sleeps = true;
      const size_t equals = line.find('=');
      if (equals != std::string::npos)
        into->emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    return seen;
  }
};

TEST_F(MadeUpServices, AreSaidToBeInAStateExactlyWhenTheyAre) {
  const int units = FromEnvironment("MAILHUB_LAB_UNITS", 5);
  const int seed = FromEnvironment("MAILHUB_LAB_SEED", 1);
  std::map<std::string, int> said;
  for (int number = seed; number < seed + units; ++number) {
    MadeUp unit(number, static_cast<unsigned>(number));
    const std::string text = unit.Text();
    std::string write = "cat >" + kFolder + unit.name();
    write.append(" <<'END'\n").append(text).append("END\nsystemctl daemon-reload");
    Shell(write);
    std::string states;
    for (int change = 0; change < 3; ++change) {
      const std::string state = change == 0 ? "started" : unit.NextState();
      states += state + " ";
      const Receipt receipt = Bring(unit.name(), state);
      const Seen seen = Look(unit);
      const bool done = state == "stopped"
                            ? seen.IsDown()
                            : seen.StaysUp() || (unit.type() == "oneshot" && seen.HasDoneItsWork());
      ++said[state + (receipt.exit_status == 0 ? ": done" : ": not done")];
      EXPECT_EQ(receipt.exit_status == 0, done)
          << "seed " << number << ", " << states << ": " << receipt.output << "\n"
          << text;
    }
    Shell("systemctl kill -s KILL mailhub-test-" + unit.name() + "; systemctl stop mailhub-test-" +
          unit.name() + "; pkill -KILL -xf '" + unit.sleeps() + "'; rm -f " + kFolder +
          unit.name());
  }
  for (const auto& [what, often] : said) std::cout << what << ": " << often << "\n";
  EXPECT_GE(said.size(), 2U) << "not all was said";
}

}  // namespace
}  // namespace mailhub::remote
