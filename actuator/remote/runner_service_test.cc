// `service:` on a host: how it reaches its state, and when the runner trusts that. systemctl and
// the scripts are stand-ins over the real ones, in the runner's own mount namespace; so is the
// pause between the two looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "actuator/remote/testing_runner.h"
#include "lib/config/service_managers.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::RemoteReply;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRuns =
    "LoadState=loaded\nType=simple\nActiveState=active\nSubState=running\nResult=success\n"
    "MainPID=10\nNRestarts=0\n";

std::string With(std::string text, const std::string& field, const std::string& value) {
  const size_t at = ("\n" + text).find("\n" + field + "=");
  return text.replace(at, text.find('\n', at) - at, field + "=" + value);
}

class Services : public testing::TestWithParam<RunnerSetup> {
 protected:
  Services() : host(GetParam()) {
    root = std::filesystem::path(host.directory()).parent_path();
    std::filesystem::create_directories(root + "/tools");
    std::filesystem::create_directories(root + "/init.d");
    std::filesystem::create_directories(root + "/cgroup/system.slice/mail.service/own");
    Script("/tools/systemctl", "echo \"$*\" >>" + root +
                                   "/calls\ncase $1 in\n  show)\n    for field in $(echo "
                                   "\"${2#--property=}\" | tr , ' '); do grep \"^$field=\" " +
                                   root + "/look$(cat " + root +
                                   "/pauses 2>/dev/null); done ;;\n  start | stop | restart) cat " +
                                   root + "/says; exit $(cat " + root + "/status) ;;\nesac\n");
    Script("/tools/sleep", "[ \"$1\" = 3 ] || exec /bin/sleep \"$@\"\necho 2 >" + root +
                               "/pauses\necho pause >>" + root + "/calls\n");
    Script("/init.d/mail", "echo \"$*\" >>" + root + "/calls\n[ $1 != status ] || exit $(cat " +
                               root + "/look$(cat " + root + "/pauses 2>/dev/null))\nexit $(cat " +
                               root + "/status)\n");
    Script("/shell", "exec unshare -m sh -c 'mount --bind " + root +
                         "/tools /usr/local/sbin && mount --bind " + root +
                         "/init.d /etc/init.d && mount --bind " + root +
                         "/cgroup /sys/fs/cgroup && exec " + host.setup.shell +
                         " \"$@\"' x \"$@\"\n");
    host.setup.shell = root + "/shell";
    const RemoteReply hello = host.Hello();
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
  }
  void Script(const std::string& name, const std::string& text) const {
    std::ofstream(root + name) << "#!/bin/sh\n" << text;
    chmod((root + name).c_str(), 0755);
  }
  // The stand-in's output before and after the pause, and its verb's exit status and output.
  RemoteReply Bring(const std::string& body, const std::string& first, const std::string& second,
                    int status = 0, const std::string& says = "") {
    for (const char* old : {"/pauses", "/calls"}) std::filesystem::remove(root + old);
    std::ofstream(root + "/look") << first;
    std::ofstream(root + "/look2") << second;
    std::ofstream(root + "/status") << status;
    std::ofstream(root + "/says") << says;
    return host.Run("r/" + std::to_string(++step) + "/1", body);
  }
  std::string Calls() const {
    std::ostringstream all;
    all << std::ifstream(root + "/calls").rdbuf();
    return all.str();
  }
  void ExpectDone(const RemoteReply& reply) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->exit_status, 0) << reply.receipt->output;
    EXPECT_EQ(reply.receipt->output, "");
  }
  void ExpectNot(const RemoteReply& reply, const std::string& last_words) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_NE(reply.receipt->exit_status, 0);
    EXPECT_THAT(reply.receipt->output, EndsWith(last_words + "\n"));
  }

  RunnerHost host;
  std::string root;
  int step = 0;
};

TEST_P(Services, AStartIsBelievedWhenTheServiceStillRunsAfterAPause) {
  for (const char* state : {"started", "restarted"}) {
    ExpectDone(Bring(std::string("@service mail.service ") + state + " systemd", kRuns, kRuns));
    const std::string verb = state == std::string("started") ? "start" : "restart";
    EXPECT_THAT(Calls(), StartsWith("reset-failed mail.service\n" + verb + " mail.service\nshow "));
    EXPECT_THAT(Calls(), HasSubstr("pause\nshow "));
  }
  ExpectDone(Bring("@service exim@out.service started systemd", kRuns, kRuns));
  EXPECT_THAT(Calls(), HasSubstr("start exim@out.service\n"));
}

TEST_P(Services, AServiceThatDiesAMomentLaterIsNotDone) {
  const std::string start = "@service mail.service started systemd";
  const std::string failed =
      With(With(With(kRuns, "ActiveState", "failed"), "SubState", "failed"), "Result", "exit-code");
  ExpectNot(Bring(start, kRuns, failed), "mail.service is failed (failed), result exit-code");
  // systemd restarts it repeatedly: active at both looks, with another process each time.
  ExpectNot(Bring(start, kRuns, With(With(kRuns, "MainPID", "20"), "NRestarts", "4")),
            "result success, started again by systemd (NRestarts 4): it does not stay up");
  const std::string waits =
      With(With(With(kRuns, "ActiveState", "activating"), "SubState", "auto-restart"), "Result",
           "exit-code");
  ExpectNot(Bring(start, kRuns, waits),
            "mail.service is activating (auto-restart), result exit-code");
  // An old systemd has no restart count: the process tells.
  const std::string old = With(kRuns, "NRestarts", "").substr(0, std::string(kRuns).size() - 12);
  ExpectDone(Bring(start, old, old));
  ExpectNot(Bring(start, old, With(old, "MainPID", "20")),
            "mail.service is active (running), result success: it does not stay up");
}

TEST_P(Services, WhatEndsWellIsDone) {
  const std::string over =
      With(With(With(kRuns, "Type", "oneshot"), "ActiveState", "inactive"), "SubState", "dead");
  ExpectDone(Bring("@service tables.service started systemd", over, ""));
  EXPECT_THAT(Calls(), testing::Not(HasSubstr("pause")));
  const std::string broken = With(With(over, "ActiveState", "failed"), "Result", "exit-code");
  ExpectNot(Bring("@service tables.service started systemd", broken, "", 1, "Job failed.\n"),
            "tables.service is failed (dead), result exit-code");
  // A timer has no type, no process and no count.
  const std::string timer = "LoadState=loaded\nActiveState=active\nSubState=waiting\n";
  ExpectDone(Bring("@service tables.timer started systemd", timer, timer));
}

TEST_P(Services, WhatCannotBeStartedSaysWhy) {
  const std::string masked = "LoadState=masked\nActiveState=inactive\nSubState=dead\n";
  ExpectNot(Bring("@service mail.service started systemd", masked, "", 1, "Unit is masked.\n"),
            "mail.service is inactive (dead), masked");
  ExpectNot(Bring("@service mail.service started systemd", "", ""),
            "systemctl show says nothing about mail.service");
}

TEST_P(Services, AStopIsBelievedWhenTheServiceIsKnownToBeDown) {
  const std::string stop = "@service mail.service stopped systemd";
  ExpectDone(Bring(stop, With(kRuns, "ActiveState", "inactive"), ""));
  EXPECT_THAT(Calls(), StartsWith("stop mail.service\nshow "));
  ExpectDone(Bring(stop, With(kRuns, "ActiveState", "failed"), ""));
  ExpectNot(Bring(stop, With(kRuns, "ActiveState", "deactivating"), ""),
            "mail.service is deactivating (running), result success");
  // No answer does not mean stopped.
  ExpectNot(Bring(stop, "", ""), "systemctl show says nothing about mail.service");
}

// A service with Delegate=yes may have moved into a group below its own, and may ignore TERM.
TEST_P(Services, AStopIsNotBelievedWhileAProcessOfTheServiceGoesOn) {
  const std::string group = "/system.slice/mail.service";
  const std::string failed =
      With(With(With(kRuns, "ActiveState", "failed"), "SubState", "failed"), "Result", "timeout") +
      "ControlGroup=" + group + "\n";
  const std::string stop = "@service mail.service stopped systemd";
  const auto processes = [&](const std::string& below, const std::string& text) {
    std::ofstream(root + "/cgroup" + group + below + "/cgroup.procs") << text;
  };
  processes("", "");
  processes("/own", "");
  ExpectDone(Bring(stop, failed, ""));
  for (const char* below : {"", "/own"}) {
    processes(below, "10\n");
    ExpectNot(Bring(stop, failed, ""),
              "mail.service is failed (failed), result timeout, and processes of it go on");
    processes(below, "");
  }
}

TEST_P(Services, AScriptThatKnowsNoStatusTellsNothing) {
  for (const char* says :
       {"echo 'Usage: mail {start|stop}' >&2", "echo 'usage: mail start|stop'; echo >&2",
        "echo looking; echo 'USAGE: mail' >&2"}) {
    for (const char* status : {"0", "1", "3"}) {
      Script("/init.d/old", "case $1 in\n  start | stop) ;;\n  *) " + std::string(says) +
                                "; exit " + status + " ;;\nesac\n");
      for (const char* state : {"stopped", "started"}) {
        ExpectNot(
            Bring(std::string("@service old ") + state + " sysv", "", ""),
            "/etc/init.d/old knows no status, so what has become of the service is not known");
      }
    }
  }
  Script("/init.d/old", "[ $1 != status ] || { echo mail is down; echo 'usage: 5 %'; exit 3; }\n");
  ExpectDone(Bring("@service old stopped sysv", "", ""));
  Script("/init.d/old", "[ $1 != status ] || { echo no such account >&2; exit 4; }\n");
  const RemoteReply why = Bring("@service old stopped sysv", "", "");
  ExpectNot(why, "/etc/init.d/old status ended with exit status 4 after stop");
  EXPECT_THAT(why.receipt->output, StartsWith("no such account\n"));
}

TEST_P(Services, AScriptIsAskedAfterAPause) {
  ExpectDone(Bring("@service mail started sysv", "0", "0"));
  EXPECT_EQ(Calls(), "start\npause\nstatus\n");
  ExpectNot(Bring("@service mail restarted sysv", "0", "1"),
            "/etc/init.d/mail status ended with exit status 1 after restart");
  ExpectNot(Bring("@service mail started sysv", "0", "0", 5),
            "/etc/init.d/mail start ended with exit status 5");
  for (const char* down : {"1", "2", "3"}) {
    ExpectDone(Bring("@service mail stopped sysv", down, ""));
  }
  for (const char* unknown : {"0", "4", "127"}) {
    const std::string words = std::string("exit status ") + unknown + " after stop";
    ExpectNot(Bring("@service mail stopped sysv", unknown, ""), words);
  }
}

TEST_P(Services, NothingOfANameBecomesACommand) {
  for (const char* name : {"a;b", "-H", "../x", "a$(id)", "a'b", ""}) {
    for (const char* manager : {"systemd", "sysv"}) {
      const RemoteReply reply =
          Bring(std::string("@service ") + name + " started " + manager, kRuns, kRuns);
      ASSERT_FALSE(reply.receipt) << name;
      EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kInvalid) << name;
      EXPECT_EQ(Calls(), "") << name;
    }
  }
  for (const char* manager : {"upstart", "systemd x", "systemd sysv", "systemd'"}) {
    EXPECT_FALSE(Bring(std::string("@service mail started ") + manager, kRuns, kRuns).receipt);
  }
}

TEST_P(Services, EveryManagerOfTheTableIsKnown) {
  for (const config::ServiceKind kind : All<config::ServiceKind>()) {
    if (config::ManagerOf(kind).request.empty()) continue;  // its hosts have no runner
    const RemoteReply reply =
        Bring(std::string("@service mail started ") + Name(kind), kRuns, kRuns);
    EXPECT_TRUE(reply.receipt) << reply.receipt.error().message;
  }
  const RemoteReply reply = Bring("@service mail started upstart", kRuns, kRuns);
  ASSERT_FALSE(reply.receipt);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("no such service of systemd or sysv"));
}

TEST_P(Services, ADeadManBringsItBackTheSameWay) {
  Bring("true", kRuns, kRuns);
  ASSERT_EQ(host.Arm("r/50", "@service mail.service started systemd", Seconds(1)).lease,
            LeaseState::kArmed);
  std::string lease;
  EXPECT_TRUE(Eventually([&] {
    host.LookAtLeases();
    lease = host.ReadFile("leases/r@50.lease");
    return lease.find("state=restored\n") != std::string::npos;
  }));
  EXPECT_THAT(lease, HasSubstr("exit_status=0\n"));
  EXPECT_THAT(Calls(), HasSubstr("start mail.service\n"));
}

TEST_P(Services, AListMayNameTheServicesOwnName) {
  host.setup.options += " --installed --allow " + root + "/allow";
  const auto allow = [&](const std::string& text) {
    std::ofstream(root + "/allow") << text;
    chmod((root + "/allow").c_str(), 0644);
  };
  allow("service out systemd exim@out.service\nservice mail systemd\n");
  ExpectDone(Bring("@service out restarted", kRuns, kRuns));
  EXPECT_THAT(Calls(), HasSubstr("restart exim@out.service\n"));
  ExpectDone(Bring("@service mail started", kRuns, kRuns));
  EXPECT_THAT(Calls(), HasSubstr("start mail.service\n"));
  const RemoteReply uploaded = Bring("@service mail.service started systemd", kRuns, kRuns);
  ASSERT_FALSE(uploaded.receipt);
  EXPECT_THAT(uploaded.receipt.error().message, HasSubstr("but it is installed"));
  allow("service out systemd exim@out.service;id\n");
  const RemoteReply odd = Bring("@service out started", kRuns, kRuns);
  ASSERT_FALSE(odd.receipt);
  EXPECT_THAT(odd.receipt.error().message, HasSubstr("with or without a name"));
}

INSTANTIATE_TEST_SUITE_P(Shells, Services, testing::ValuesIn(MAILHUB_SETUPS()),
                         [](const auto& setup) { return setup.param.name; });

}  // namespace
}  // namespace mailhub::remote
