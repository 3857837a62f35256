// The receipts directory: its owner, its identity, and its sweeping.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::ReceiptState;
using engine::RemoteVerb;

class Directory : public RunnerTest {};

INSTANTIATE_TEST_SUITE_P(, Directory, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

TEST_P(Directory, SaysThatItsReceiptsAreOthersThanRecorded) {
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kFinished);
  ExpectState(host.Settled("r/1/1"), ReceiptState::kFinished);  // its status is written, too
  std::filesystem::rename(host.directory(), host.directory() + ".gone");
  ExpectFailure(host.Run("r/1/1", Trace("x")), ErrorKind::kCorrupt, "no receipts directory");
  const std::string before = host.directory_id;
  ASSERT_TRUE(host.Hello().receipt);
  EXPECT_NE(host.directory_id, before);
  host.directory_id = before;
  ExpectFailure(host.Run("r/1/1", Trace("x")), ErrorKind::kCorrupt, "others than recorded");
  ExpectFailure(host.Do(RemoteVerb::kStatus, "r/1/1"), ErrorKind::kCorrupt, "others than recorded");
  ExpectFailure(host.Do(RemoteVerb::kVoid, "r/1/1"), ErrorKind::kCorrupt, "others than recorded");
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Directory, RefusesADirectoryThatAnotherAccountCouldChange) {
  const std::string above = std::filesystem::path(host.directory()).parent_path();
  const auto refused = [&](const std::string& words) {
    ExpectFailure(host.Hello(), ErrorKind::kRefused, words);
  };
  ASSERT_EQ(chown(host.directory().c_str(), 65534, 0), 0);
  refused(host.directory() + " belongs to another account");
  ExpectFailure(host.Run("r/1/1", Trace("x")), ErrorKind::kRefused, "belongs to another account");
  ASSERT_EQ(chown(host.directory().c_str(), 0, 0), 0);
  for (const mode_t open : {0770, 0702}) {
    ASSERT_EQ(chmod(host.directory().c_str(), open), 0);
    refused("may write to " + host.directory());
    ASSERT_EQ(chmod(host.directory().c_str(), 0700), 0);
    ASSERT_EQ(chmod(above.c_str(), open), 0);
    refused("may write to " + above);
    ASSERT_EQ(chmod(above.c_str(), 0755), 0);
  }
  ASSERT_EQ(chown(above.c_str(), 65534, 0), 0);
  refused(above + " belongs to another account");
  ASSERT_EQ(chown(above.c_str(), 0, 0), 0);
  ASSERT_EQ(chmod((host.directory() + "/leases").c_str(), 0777), 0);
  refused("may write to " + host.directory() + "/leases");
  ASSERT_EQ(chmod((host.directory() + "/leases").c_str(), 0700), 0);
  ExpectState(host.Run("r/1/1", Trace("y")), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "y\n");
}

TEST_P(Directory, RefusesALinkToADirectoryWhoseParentAnotherAccountOwns) {
  const std::string above = std::filesystem::path(host.directory()).parent_path();
  std::filesystem::create_directory(above + "/theirs");
  std::filesystem::rename(host.directory(), above + "/theirs/d");
  std::filesystem::create_directory_symlink(above + "/theirs/d", host.directory());
  ASSERT_TRUE(host.Hello().receipt);
  ASSERT_EQ(chown((above + "/theirs").c_str(), 65534, 0), 0);
  ExpectFailure(host.Hello(), ErrorKind::kRefused, above + "/theirs belongs to another account");
}

// A host may be called mx.new.example.org, and a step for each host has its name in its path.
TEST_P(Directory, TakesNoReceiptForALeftoverOfACrash) {
  const std::string receipts = host.directory() + "/receipts/r/";
  const std::string left = receipts + "2@1.claim~new.123";
  ExpectState(host.Run("r/2.new.1/1", Trace("x")), ReceiptState::kFinished);
  ExpectState(host.Settled("r/2.new.1/1"), ReceiptState::kFinished);
  std::ofstream(left).close();
  for (const auto& entry : std::filesystem::directory_iterator(receipts)) {
    std::filesystem::last_write_time(
        entry.path(), std::filesystem::file_time_type::clock::now() - std::chrono::hours(72));
  }
  ASSERT_TRUE(host.Hello().receipt);
  EXPECT_FALSE(std::filesystem::exists(left));
  ExpectState(host.Run("r/2.new.1/1", Trace("x")), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

// As where the account has no process left.
TEST_P(Directory, IsNotRefusedWhereItCannotBeLookedAt) {
  std::filesystem::create_directory(host.directory() + "/shims");
  const std::string shims = host.directory() + "/shims/";
  for (const char* program : {"ls", "od"}) {
    SCOPED_TRACE(program);
    std::filesystem::remove(host.directory() + "/id");
    host.WriteFile("shims/" + std::string(program), "#!/bin/sh\nexit 126\n");
    ASSERT_EQ(chmod((shims + program).c_str(), 0755), 0);
    host.setup.environment = {{"PATH", shims}};
    const auto reply = host.Hello();
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable) << reply.receipt.error().message;
    std::filesystem::remove(shims + program);
    host.setup.environment.clear();
    ASSERT_TRUE(host.Hello().receipt);
  }
}

TEST_P(Directory, RemembersSweptRunsWithAnyClock) {
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  // As after the clock was years ahead.
  std::filesystem::last_write_time(
      host.directory() + "/swept/r",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 365 * 5));
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "q").receipt);
  ExpectFailure(host.Run("r/1/1", Trace("x")), ErrorKind::kRefused, "swept");
  EXPECT_EQ(host.Evidence(), "");
}

TEST_P(Directory, RemembersTheNewestTenThousandSweeps) {
  // A program without a list has swept one.
  host.WriteFile("swept/of-old", "");
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "first").receipt);
  const auto is_swept = [&](const std::string& run) {
    return std::filesystem::exists(host.directory() + "/swept/" + run);
  };
  EXPECT_TRUE(is_swept("of-old"));
  std::string list = host.ReadFile("sweeps");
  EXPECT_EQ(list, "of-old\nfirst\n");
  for (int i = 0; i < 10'998; ++i) list += "run" + std::to_string(i) + '\n';
  for (const char* run : {"run998", "run999", "run10997"}) {
    host.WriteFile("swept/" + std::string(run), "");
  }
  host.WriteFile("sweeps", list);
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "last").receipt);
  EXPECT_FALSE(is_swept("of-old"));
  EXPECT_FALSE(is_swept("first"));
  EXPECT_FALSE(is_swept("run998"));
  EXPECT_TRUE(is_swept("run999"));
  EXPECT_TRUE(is_swept("run10997"));
  EXPECT_TRUE(is_swept("last"));
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "last").receipt);
  list = host.ReadFile("sweeps");
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 10'000);
  EXPECT_EQ(list.substr(0, 7), "run999\n");
}

TEST_P(Directory, SweepsARunForGood) {
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kFinished);
  ExpectState(host.Launch("r/2/1", "sleep 65"), ReceiptState::kRunning);
  ExpectFailure(host.Do(RemoteVerb::kSweep, "r"), ErrorKind::kRefused, "still working");
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kFinished);
  ASSERT_TRUE(host.Do(RemoteVerb::kCancel, "r/2/1").receipt);
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  EXPECT_TRUE(Eventually(  // the job ends after the answer
      [&] { return !std::filesystem::exists(host.directory() + "/receipts/r"); }));
  // A delayed request would run a second time.
  ExpectFailure(host.Run("r/1/1", Trace("x")), ErrorKind::kRefused, "swept");
  EXPECT_EQ(host.Evidence(), "x\n");
  // Whether it has run is not known any more, but that it never will: neither refused nor void.
  for (const RemoteVerb verb : {RemoteVerb::kVoid, RemoteVerb::kStatus, RemoteVerb::kCancel}) {
    ExpectFailure(host.Do(verb, "r/1/1"), ErrorKind::kNotFound, "swept");
    ExpectFailure(host.Do(verb, "r/9/1"), ErrorKind::kNotFound, "swept");
  }
}

TEST_P(Directory, KeepsNothingInTmpOfALaunchThatWasRefused) {
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  ExpectFailure(host.Launch("r/1/1", Trace("x")), ErrorKind::kRefused, "swept");
  EXPECT_TRUE(std::filesystem::is_empty(host.directory() + "/tmp"));
}

TEST_P(Directory, KeepsNothingOfARefusedStepOrAKilledJob) {
  EXPECT_EQ(host.Arm("r/stop", "true", Seconds(1)).lease, engine::LeaseState::kArmed);
  ASSERT_TRUE(Eventually([&] {
    return host.ReadFile("leases/r@stop.lease").find("state=restored") != std::string::npos;
  }));
  EXPECT_FALSE(host.Run("r/1/1", "true").receipt);
  EXPECT_FALSE(host.Launch("r/1/1", "true").receipt);
  EXPECT_TRUE(Eventually(  // the job ends after the answer
      [&] { return !std::filesystem::exists(host.directory() + "/receipts/r"); }));
  ExpectState(host.Launch("q/1/1", "sleep 100"), engine::ReceiptState::kRunning);
  host.EndAll();
  ExpectState(host.Settled("q/1/1"), engine::ReceiptState::kInterrupted);
  EXPECT_TRUE(std::filesystem::is_empty(host.directory() + "/tmp"));
}

}  // namespace
}  // namespace mailhub::remote
