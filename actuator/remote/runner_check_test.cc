// The verb that only looks: receipts, fence and allowlist, under every shell on this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Names, sizes, times and contents below the directory.
std::string Everything(const std::string& directory) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    all += entry.path().string() + " " +
           std::to_string(entry.last_write_time().time_since_epoch().count()) + "\n";
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  return all;
}

class RunnerCheck : public testing::TestWithParam<RunnerSetup> {
 protected:
  RunnerCheck() : host(GetParam()) {}
  engine::RemoteReply Check(const std::string& lines, const Identity& as = {"journal-a", 1}) {
    host.identity = as;
    engine::RemoteRequest request;
    request.command = lines;
    Exchange exchange;
    exchange.check = true;
    RunnerCall call = host.Start(request, exchange);
    engine::RemoteReply reply = call.Wait();
    EXPECT_TRUE(reply.receipt) << reply.receipt.error().message;
    checked = call.checked();
    return reply;
  }

  RunnerHost host;
  Checked checked;
};

TEST_P(RunnerCheck, MakesNothingWhereNothingIsYet) {
  std::filesystem::remove_all(host.directory());
  EXPECT_THAT(Check("free").receipt->output, IsEmpty());
  EXPECT_EQ(checked.receipts, "absent");
  EXPECT_EQ(checked.fence, "free");
  EXPECT_FALSE(std::filesystem::exists(host.directory()));
}

TEST_P(RunnerCheck, ChangesNothingAndRecordsNoEpoch) {
  ASSERT_TRUE(host.Hello().receipt);
  const std::string before = Everything(host.directory());
  Check("free\n@service exim4 restarted systemd", {"journal-a", 9});
  EXPECT_EQ(checked.receipts, "ready");
  EXPECT_EQ(checked.fence, "free") << "a later life of the same actuator";
  EXPECT_EQ(Everything(host.directory()), before);
  Check("free", {"journal-a", 1});
  EXPECT_EQ(checked.fence, "free") << "epoch 9 was not recorded";
}

TEST_P(RunnerCheck, NamesTheJournalThatTheHostObeys) {
  host.identity = {"journal-b", 5};
  ASSERT_TRUE(host.Hello().receipt);
  Check("", {"journal-a", 7});
  EXPECT_EQ(checked.fence, "refused");
  EXPECT_THAT(checked.fence_detail, HasSubstr("obeys journal journal-b"));
  EXPECT_EQ(checked.receipts, "ready");
  Check("", {"journal-b", 4});
  EXPECT_EQ(checked.fence, "refused") << "another life has been here since";
}

TEST_P(RunnerCheck, SaysWhatKeepsReceiptsFromTheDirectory) {
  ASSERT_TRUE(host.Hello().receipt);
  chmod((host.directory() + "/receipts").c_str(), 0777);
  Check("");
  EXPECT_EQ(checked.receipts, "refused");
  EXPECT_THAT(checked.receipts_detail, HasSubstr("may write to"));
}

TEST_P(RunnerCheck, NamesEachCommandThatIsNotListed) {
  const std::string allow = host.directory() + "-allow";
  std::ofstream(allow) << "command stop true\nservice exim4 systemd\n";
  chmod(allow.c_str(), 0644);
  host.setup.options += " --installed --allow " + allow;
  EXPECT_THAT(Check("@stop\n@service exim4 restarted").receipt->output, IsEmpty());
  const auto reply = Check("@stop\n@start\nfree\n@service out stopped");
  EXPECT_THAT(reply.receipt->output, StartsWith("2 "));
  EXPECT_THAT(reply.receipt->output, HasSubstr("lists no command start"));
  EXPECT_THAT(reply.receipt->output, HasSubstr("\n3 "));
  EXPECT_THAT(reply.receipt->output, HasSubstr("does not say free_commands"));
  EXPECT_THAT(reply.receipt->output, HasSubstr("\n4 "));
  EXPECT_FALSE(reply.receipt->truncated);
  std::string many = "@n1";
  for (int i = 2; i <= 100; ++i) many += "\n@n" + std::to_string(i);
  EXPECT_TRUE(Check(many).receipt->truncated) << "what has no room is not allowed in silence";
  std::filesystem::remove(allow);
}

INSTANTIATE_TEST_SUITE_P(Runner, RunnerCheck, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

}  // namespace
}  // namespace mailhub::remote
