// What keeps a dead man at work: its clock, its loop and script, and what starts it after a reboot.
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "actuator/remote/testing_dead_man.h"

namespace mailhub::remote {
namespace {

TEST_F(DeadMan, CountsFromTheBootAfterAReboot) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  std::string lease = host.ReadFile("leases/r@stop.lease");
  const size_t boot = lease.find("boot_id=") + 8;
  lease[boot] = lease[boot] == 'x' ? 'y' : 'x';
  lease.replace(lease.find("after_ms="), 14, "after_ms=90000");
  host.WriteFile("leases/r@stop.lease", lease);
  // This machine's uptime is longer than that.
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
}

// As under systemd-nspawn: its own boot id, and a new process 1, on a kernel that keeps running.
TEST_F(DeadMan, CountsFromTheBootOfItsContainerNotOfTheKernel) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  host.EndAll();  // the loop is not in the container
  std::string lease = host.ReadFile("leases/r@stop.lease");
  lease.replace(lease.find("boot_id=") + 8, 4, "past");
  host.WriteFile("leases/r@stop.lease", lease);
  for (const char* hidden : {"",
                             "mount -t proc -o hidepid=2,gid=12345 proc /proc && setpriv "
                             "--bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "}) {
    const std::string shell = host.setup.shell;
    host.setup.shell = host.directory() + "-shell";
    std::ofstream(host.setup.shell) << "#!/bin/sh\nexec unshare -pf --mount-proc sh -c '" << hidden
                                    << shell << " \"$@\"; true' x \"$@\"\n";
    chmod(host.setup.shell.c_str(), 0755);
    std::vector<std::string> restore = host.Argv("restore");
    restore.emplace_back("r@stop");
    RunnerCall(restore, {}, "", "").Wait();
    EXPECT_EQ(host.Evidence(), "") << hidden;
    EXPECT_THAT(host.ReadFile("leases/r@stop.lease"), HasSubstr("state=armed\n"));
    host.setup.shell = shell;
  }
  EXPECT_THAT(host.ReadFile("leases/r@stop.lease"), HasSubstr("remark=since when this host is up"));
}

TEST_F(DeadMan, IsGivenANewLoopByARenewalWhenItsOwnWasKilled) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  const pid_t loop = atoi(host.ReadFile("leases/loop").c_str());
  ASSERT_GT(loop, 1);
  ASSERT_EQ(kill(loop, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return kill(loop, 0) != 0; }));
  ExpectLease(Renew("r/stop", kAfter), LeaseState::kArmed);
  const pid_t next = atoi(host.ReadFile("leases/loop").c_str());
  EXPECT_NE(next, loop);
  EXPECT_EQ(kill(next, 0), 0);
}

TEST_F(DeadMan, GetsItsRemovedScriptBackByARenewal) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  const std::string script = host.directory() + "/deadman.sh";
  for (const bool empty : {false, true}) {
    std::filesystem::remove(script);
    if (empty) host.WriteFile("deadman.sh", "");
    ExpectLease(Renew("r/stop", Seconds(1)), LeaseState::kArmed);
    EXPECT_GT(std::filesystem::file_size(script), 1'000U) << "what the loop would run";
  }
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }));
}

TEST_F(DeadMan, IsNotReportedAsArmedByARenewalWithoutATimer) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  const pid_t loop = atoi(host.ReadFile("leases/loop").c_str());
  std::filesystem::create_directory(host.directory() + "/shims");
  host.WriteFile("shims/setsid", "#!/bin/sh\nexit 1\n");
  chmod((host.directory() + "/shims/setsid").c_str(), 0755);
  host.setup.environment = {{"PATH", host.directory() + "/shims"}};
  ASSERT_EQ(kill(loop, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return kill(loop, 0) != 0; }));
  const RemoteReply renewed = Renew("r/stop", kAfter);
  ASSERT_FALSE(renewed.receipt);
  EXPECT_EQ(renewed.receipt.error().kind, ErrorKind::kInternal);
  EXPECT_THAT(renewed.receipt.error().message, HasSubstr("the loop did not start"));
}

TEST_F(DeadMan, SaysThatNoRebootIsSurvivedWhereNothingBringsItBack) {
  std::filesystem::create_directory(host.directory() + "/shims");
  const std::string crontab = host.directory() + "/shims/crontab";
  host.WriteFile("shims/crontab",
                 "#!/bin/sh\necho 'not allowed to use this program' >&2; exit 1\n");
  chmod(crontab.c_str(), 0755);
  host.setup.environment = {{"PATH", host.directory() + "/shims"}};
  for (const RemoteReply& reply :
       {host.Arm("r/stop", "true", kAfter), Renew("r/stop", kAfter), host.Hello()}) {
    ExpectLease(reply, LeaseState::kArmed);
    EXPECT_THAT(reply.lease_detail, HasSubstr("a reboot is not survived"));
  }
  host.WriteFile("shims/crontab",
                 "#!/bin/sh\ntable=" + host.directory() +
                     "/table\ncase $1 in -l) cat $table ;; *) cat >$table ;; esac\n");
  host.WriteFile("table", "");
  for (const RemoteReply& reply : {host.Arm("r/stop", "true", kAfter), Renew("r/stop", kAfter)}) {
    ExpectLease(reply, LeaseState::kArmed);
    EXPECT_EQ(reply.lease_detail, "");
  }
}

// As where the account has no process left.
TEST_F(DeadMan, LosesNoLineOfACrontabThatItCannotWorkOn) {
  std::filesystem::create_directory(host.directory() + "/shims");
  const auto shim = [&](const std::string& name, const std::string& text) {
    host.WriteFile("shims/" + name, text);
    chmod((host.directory() + "/shims/" + name).c_str(), 0755);
  };
  shim("crontab", "#!/bin/sh\ntable=" + host.directory() +
                      "/table\ncase $1 in -l) cat $table ;; *) cat >$table ;; esac\n");
  const std::string others = "0 1 * * * backup\n# *\n\n30 2 * * * tidy 'a  b'\n";
  host.WriteFile("table", others);
  host.setup.environment = {{"PATH", host.directory() + "/shims"}};
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  EXPECT_THAT(host.ReadFile("table"), testing::StartsWith(others + "@reboot "));
  shim("grep", "#!/bin/sh\nexit 126\n");
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
  EXPECT_THAT(host.ReadFile("table"), testing::StartsWith(others));
  std::filesystem::remove(host.directory() + "/shims/grep");
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
  EXPECT_EQ(host.ReadFile("table"), others);
}

TEST_F(DeadMan, CountsAnewWhenUptimeWentBackAndSaysSo) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), Seconds(2)), LeaseState::kArmed);
  Age("r@stop", -1'000'000);
  const std::string ahead = host.ReadFile("leases/r@stop.lease");
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return host.ReadFile("leases/r@stop.lease") != ahead;
  }));
  EXPECT_THAT(host.ReadFile("leases/r@stop.lease"), HasSubstr("state=armed\n"));
  const RemoteReply hello = host.Hello();
  ExpectLease(hello, LeaseState::kArmed);
  EXPECT_THAT(hello.lease_detail, HasSubstr("uptime went back"));
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(15'000)));
}

TEST_F(DeadMan, ActsAlsoWhereNoUptimeCanBeRead) {
  // As in a container whose /proc is an empty directory, also for the loop.
  host.setup.shell = host.directory() + "-shell";
  const std::string uptime = host.directory() + "-uptime";
  std::ofstream(uptime).close();
  std::ofstream(host.setup.shell)
      << "#!/bin/sh\n[ -z \"$(cat /proc/uptime)\" ] && exec sh \"$@\"\n"
      << "exec unshare -m sh -c 'mount --bind " << uptime << " /proc/uptime && mount --bind "
      << uptime << " /proc/sys/kernel/random/boot_id && exec sh \"$@\"' x \"$@\"\n";
  chmod(host.setup.shell.c_str(), 0755);
  std::filesystem::remove(host.directory() + "/mode");  // it was chosen on another host, so to say
  const RemoteReply hello = host.Hello();
  ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;
  EXPECT_GT(hello.mark.uptime_s, 0);
  EXPECT_NE(hello.mark.boot_id, "");
  EXPECT_TRUE(host.Run("r/1/1", "true").receipt);
  ExpectLease(host.Arm("r/stop", Trace("restored"), Seconds(1)), LeaseState::kArmed);
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
}

}  // namespace
}  // namespace mailhub::remote
