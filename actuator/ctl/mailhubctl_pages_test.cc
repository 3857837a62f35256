// Lists that do not fit into one answer.
#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Two of them are more than a page.
constexpr size_t kLong = size_t{700} << 10;

TEST_F(MailhubctlTest, FollowsThePagesOfAList) {
  backend_.Lengthen(kLong);
  for (const char* output : {"", " --output json"}) {
    const std::string alerts = Ctl(std::string("alert list") + output).out;
    EXPECT_THAT(alerts, HasSubstr("started a rebuild"));
    EXPECT_THAT(alerts, HasSubstr("the site file has no host mailhub9"));
    EXPECT_THAT(alerts, Not(HasSubstr("older ones")));
    const std::string history = Ctl(std::string("history") + output).out;
    EXPECT_THAT(history, HasSubstr("mailhub1"));
    EXPECT_THAT(history, HasSubstr("directory-restart"));
  }
  EXPECT_THAT(Ctl("alert explain TablesStale").out, HasSubstr("the site file has no host"));
  EXPECT_THAT(Ctl("alert list --output json").out, HasSubstr("\"next\": null"));
}

TEST_F(MailhubctlTest, GoesOnBehindASearchThatFoundNothing) {
  backend_.LookAtMost(1);
  EXPECT_THAT(Ctl("alert list --decision rejected").out,
              HasSubstr("the site file has no host mailhub9"));
  EXPECT_THAT(Ctl("alert explain beef").out, HasSubstr("the site file has no host mailhub9"));
  EXPECT_THAT(Ctl("history --result failed").out, HasSubstr("mailhub2"));
}

TEST_F(MailhubctlTest, FollowsThePagesOfALog) {
  backend_.SetEvents(api::testing::EventsOfASuccess(api::testing::kRunId));
  backend_.Lengthen(kLong);
  const std::string log = Ctl("run log 3f2a91").out;
  EXPECT_THAT(log, HasSubstr("run_queued"));
  EXPECT_THAT(log, HasSubstr("run_finished"));
  const std::string rest = Ctl("run log 3f2a91 --after 14").out;
  EXPECT_THAT(rest, HasSubstr("run_finished"));
  EXPECT_THAT(rest, Not(HasSubstr("run_queued")));
}

TEST_F(MailhubctlTest, FollowsThePagesOfRuns) {
  engine::View view;
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    view.unfinished.push_back(seq < 3 ? api::testing::RunAtItsGate() : api::testing::HeldRun());
    view.unfinished.back().id[0] = static_cast<char>('0' + seq);
    view.unfinished.back().seq = seq;
    view.unfinished.back().summary = std::string(kLong, 'x');
  }
  backend_.Show(view);
  for (const char* command : {"run list", "status"}) {
    const std::string out = Ctl(command).out;
    for (const char* id : {"1f2a91", "2f2a91", "3f2a91"})
      EXPECT_THAT(out, HasSubstr(id)) << command;
  }
  EXPECT_THAT(Ctl("run list --limit 1").out, HasSubstr("more: --after unfinished-1\n"));
  const std::string rest = Ctl("run list --after unfinished-2").out;
  EXPECT_THAT(rest, HasSubstr("3f2a91"));
  EXPECT_THAT(rest, Not(HasSubstr("2f2a91")));
  EXPECT_THAT(Ctl("run watch").out, HasSubstr("3f2a91")) << "the newest, which holds";
}

TEST_F(MailhubctlTest, SaysWhereTheRestOfAListBegins) {
  EXPECT_THAT(Ctl("alert list --limit 1").out, HasSubstr("older ones: --before 9\n"));
  EXPECT_THAT(Ctl("alert explain TablesStale --limit 1").out,
              HasSubstr("older ones: --before 9\n"));
  EXPECT_THAT(Ctl("alert list --limit 2").out, Not(HasSubstr("older ones")));
  EXPECT_THAT(Ctl("history --limit 2").out, HasSubstr("older ones: --before 39\n"));
  const std::string rest = Ctl("history --before 39").out;
  EXPECT_THAT(rest, HasSubstr("directory-restart"));
  EXPECT_THAT(rest, Not(HasSubstr("mailhub-rebuild")));
}

}  // namespace
}  // namespace mailhub::ctl
