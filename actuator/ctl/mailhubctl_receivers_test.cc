// mailhubctl receiver list, receiver test.
#include "actuator/api/testing_receivers.h"
#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;

class MailhubctlReceiversTest : public MailhubctlTest {
 protected:
  MailhubctlReceiversTest() {
    const api::ApiOptions options{.version = "1",
                                  .token_file = token_file_,
                                  .max_event_streams = 2,
                                  .receivers = &receivers_};
    api::AddRoutes(told_, backend_, metrics_, clock_, options);
    EXPECT_TRUE(told_.Start());
    url_ = "http://127.0.0.1:" + std::to_string(told_.Port());
  }
  ~MailhubctlReceiversTest() override { told_.Stop(); }

  api::testing::FakeReceivers receivers_;
  http::Server told_{http::ServerOptions{}};
};

TEST_F(MailhubctlReceiversTest, ListsThemWithTheirTrouble) {
  const Outcome list = Ctl("receiver list");
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.out, HasSubstr("chat     slack   https://chat.example.org  takes"));
  EXPECT_THAT(list.out, HasSubstr("2026-03-01 10:00:00 +0000  held, late"));
  EXPECT_THAT(list.out, HasSubstr("tickets  plain   http://127.0.0.1:1        does not take"));
  EXPECT_THAT(list.out, HasSubstr("Couldn't connect to server"));
  EXPECT_THAT(list.out, HasSubstr("not tried"));
  EXPECT_THAT(Ctl("--output json receiver list").out, HasSubstr("\"too_many\": 4"));
}

TEST_F(MailhubctlReceiversTest, ATestPrintsTheAnswerAndSaysByItsStatusWhetherItWasTaken) {
  const Outcome taken = CtlWithToken("receiver test chat");
  EXPECT_EQ(taken.status, 0);
  EXPECT_EQ(taken.out, "chat has taken the test message: status 200: ok (0.0s)\n");
  const Outcome refused = CtlWithToken("receiver test tickets");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, HasSubstr("tickets has not taken the test message: status 403: no"));
  EXPECT_EQ(CtlWithToken("--output json receiver test tickets").status, 1);
  const Outcome away = CtlWithToken("receiver test away");
  EXPECT_EQ(away.status, 1);
  EXPECT_THAT(away.out, HasSubstr("no connection"));
  EXPECT_EQ(CtlWithToken("receiver test").status, 64);
}

}  // namespace
}  // namespace mailhub::ctl
