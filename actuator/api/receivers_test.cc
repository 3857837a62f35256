// Receivers of notifications over the API and on the metrics page.
#include "actuator/api/testing_api.h"
#include "actuator/api/testing_receivers.h"

namespace mailhub::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ReceiversTest : public ApiTest {
 protected:
  ReceiversTest() {
    ApiOptions options;
    options.token_file = token_file_;
    options.receivers = &receivers_;
    AddRoutes(told_, backend_, metrics_, clock_, options);
    EXPECT_TRUE(told_.Start());
  }
  ~ReceiversTest() override { told_.Stop(); }

  http::HttpResponse Ask(const std::string& path, bool post = false,
                         const std::string& token = "correct-horse-battery",
                         const std::string& body = "{}") {
    http::Client client;
    http::RequestOptions options;
    if (!token.empty()) options.headers = {{"Authorization", "Bearer " + token}};
    const std::string url = "http://127.0.0.1:" + std::to_string(told_.Port()) + path;
    auto response =
        post ? client.Post(url, body, "application/json", options) : client.Get(url, options);
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::HttpResponse();
  }

  testing::FakeReceivers receivers_;
  http::Server told_{http::ServerOptions{}};
};

TEST_F(ReceiversTest, AreListedWithWhatIsKnownOfThem) {
  const Json list = Data(Ask("/api/v1/receivers"))["receivers"];
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0]["name"], "chat");
  EXPECT_EQ(list[0]["where"], "https://chat.example.org");
  EXPECT_EQ(list[0]["events"], Json({"held", "late"}));
  EXPECT_EQ(list[0]["up"], true);
  EXPECT_EQ(list[0]["lastSuccessAt"], "2026-03-01T10:00:00.000Z");
  EXPECT_EQ(list[1]["dropped"], Json({{"refused", 1}, {"too_old", 2}, {"too_many", 4}}));
  EXPECT_EQ(list[1]["up"], false);
  EXPECT_EQ(list[1]["lastSuccessAt"], nullptr);
  EXPECT_EQ(list[2]["up"], nullptr) << "not known";
}

TEST_F(ReceiversTest, ATestIsAChangeAndGivesTheAnswer) {
  ExpectError(Ask("/api/v1/receivers/chat/test", true, ""), 401, "unauthorized", "");
  EXPECT_THAT(receivers_.Tested(), IsEmpty());
  const Json taken = Data(Ask("/api/v1/receivers/chat/test", true));
  EXPECT_EQ(taken["taken"], true);
  EXPECT_EQ(taken["status"], 200);
  EXPECT_EQ(taken["body"], "ok");
  EXPECT_EQ(Data(Ask("/api/v1/receivers/tickets/test", true))["taken"], false);
  ExpectError(Ask("/api/v1/receivers/away/test", true), 503, "unreachable", "no connection");
  ExpectError(Ask("/api/v1/receivers/cat/test", true), 404, "not_found", "no receiver");
  ExpectError(Ask("/api/v1/receivers/chat", true), 404, "not_found", "expected /api/v1/receivers");
  ExpectError(Ask("/api/v1/receivers/chat/test", true, "correct-horse-battery", R"({"to":"x"})"),
              400, "invalid", "to");
  EXPECT_THAT(receivers_.Tested(), ElementsAre("chat", "tickets", "away", "cat"));
}

TEST_F(ReceiversTest, ATestWithoutReceiversIsNotFound) {
  EXPECT_EQ(Data(Get("/api/v1/receivers"))["receivers"], Json::array());
  ExpectError(Post("/api/v1/receivers/chat/test", "{}"), 404, "not_found", "no receivers are");
}

TEST_F(ReceiversTest, AreOnTheMetricsPage) {
  const std::string page = Ask("/metrics").body;
  for (const char* line : {"up{receiver=\"chat\"} 1\n", "up{receiver=\"tickets\"} 0\n",
                           "pending{receiver=\"tickets\"} 3\n", "sent_total{receiver=\"chat\"} 7\n",
                           "failed_total{receiver=\"tickets\"} 5\n",
                           "dropped_total{reason=\"too_old\",receiver=\"tickets\"} 2\n",
                           "last_success_timestamp_seconds{receiver=\"chat\"} 1772359200\n"}) {
    EXPECT_THAT(page, HasSubstr(std::string("mailhub_actuator_receiver_") + line));
  }
  EXPECT_THAT(page, Not(HasSubstr("receiver_up{receiver=\"untried\"}"))) << "not known";
  EXPECT_THAT(page, Not(HasSubstr("timestamp_seconds{receiver=\"tickets\"}"))) << "never";
}

}  // namespace
}  // namespace mailhub::api
