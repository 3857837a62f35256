// One receiver with its thread, against a real HTTP server in this process.
#include "actuator/notify/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "actuator/notify/testing_notify.h"
#include "lib/http/testing_http.h"

namespace mailhub::notify {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TestReceiver;

class ReceiverTest : public ::testing::Test {
 protected:
  ReceiverOptions Options(const std::string& url, Format format = Format::kPlain) const {
    ReceiverOptions options;
    options.name = "chat";
    options.url = url;
    options.format = format;
    for (const Happening event : All<Happening>()) options.events.insert(event);
    options.timeout = Seconds(5);
    return options;
  }
  Notice Held(int number) const {
    Notice notice;
    notice.event = Happening::kHeld;
    notice.id = "r-held-" + std::to_string(number);
    notice.seq = static_cast<uint64_t>(number);
    notice.at = clock_.Now();
    notice.runbook = "rebuild";
    notice.run = "r";
    notice.hold = number;
    return notice;
  }
  std::unique_ptr<Receiver> Make(ReceiverOptions options) {
    return std::make_unique<Receiver>(std::move(options), Progress{}, &clock_,
                                      [this] { ++changes_; });
  }

  RealClock clock_;
  std::atomic<int> changes_{0};
};

TEST_F(ReceiverTest, SendsJsonWithItsIdAndHeaders) {
  TestReceiver server;
  ReceiverOptions options = Options(server.Url());
  options.headers = {{"X-Scope-OrgID", "mail"}};
  options.basic_user = "a";
  options.basic_password = "b";
  const auto receiver = Make(options);
  receiver->Push(Held(1));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 1; }));
  const auto requests = server.Requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].Header("Content-Type"), "application/json");
  EXPECT_EQ(requests[0].Header("Idempotency-Key"), "\"r-held-1\"");
  EXPECT_EQ(requests[0].Header("X-Scope-OrgID"), "mail");
  EXPECT_EQ(requests[0].Authorization(), "Basic YTpi");
  EXPECT_EQ(nlohmann::json::parse(requests[0].body)["id"], "r-held-1");
  EXPECT_GE(changes_, 1);
}

TEST_F(ReceiverTest, LinksTheRunWhereTheActuatorsUrlIsKnown) {
  for (const auto& [external_url, link] :
       {std::pair{"https://m.example.org/hub", "https://m.example.org/hub/api/v1/runs/r"},
        std::pair{"", ""}}) {
    TestReceiver server;
    ReceiverOptions options = Options(server.Url());
    options.external_url = external_url;
    const auto receiver = Make(options);
    receiver->Push(Held(1));
    ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 1; }));
    EXPECT_EQ(nlohmann::json::parse(server.Requests().at(0).body)["link"], link);
    ASSERT_TRUE(receiver->Test());
    EXPECT_EQ(nlohmann::json::parse(server.Requests().at(1).body)["link"], "")
        << "a test is about no run";
  }
}

TEST_F(ReceiverTest, ReadsItsTokenForEachRequest) {
  const http::TempDir directory;
  TestReceiver server;
  ReceiverOptions options = Options(server.Url());
  options.bearer_token_file = directory.Write("token", "first-token\n");
  const auto receiver = Make(options);
  receiver->Push(Held(1));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 1; }));
  directory.Write("token", "second-token\n");
  receiver->Push(Held(2));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 2; }));
  EXPECT_EQ(server.Requests().at(0).BearerToken(), "first-token");
  EXPECT_EQ(server.Requests().at(1).BearerToken(), "second-token");
}

TEST_F(ReceiverTest, TriesAgainAfterAServersErrorAndKeepsTheOrder) {
  TestReceiver server;
  for (const int status : {500, 503, 429, 408}) {
    server.AnswerWith(status);
    const auto receiver = Make(Options(server.Url()));
    const size_t before = server.Requests().size();
    receiver->Push(Held(1));
    receiver->Push(Held(2));
    ASSERT_TRUE(Eventually([&] { return receiver->Look().failed == 1; })) << status;
    EXPECT_EQ(server.Requests().size(), before + 1) << "the second waits for the first";
    EXPECT_THAT(receiver->Look().trouble, HasSubstr("status " + std::to_string(status)));
    EXPECT_EQ(receiver->Look().pending, 2U);
    server.AnswerWith(200);
    ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 2; }));
    const auto ids = server.Ids();
    EXPECT_EQ(ids.at(ids.size() - 2), "\"r-held-1\"");
    EXPECT_EQ(ids.back(), "\"r-held-2\"");
  }
}

TEST_F(ReceiverTest, HasTakenItHoweverLongItsAnswerIs) {
  TestReceiver server;
  server.Say(std::string(10'000'000, 'x'));
  const auto receiver = Make(Options(server.Url()));
  receiver->Push(Held(1));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent + receiver->Look().failed > 0; }));
  EXPECT_EQ(receiver->Look().sent, 1U) << receiver->Look().trouble;
}

TEST_F(ReceiverTest, AnyOtherAnswerIsCountedAndNotTriedAgain) {
  TestReceiver server;
  const auto receiver = Make(Options(server.Url()));
  uint64_t refused = 0;
  for (const int status : {400, 401, 404, 410, 302}) {
    server.AnswerWith(status);
    ++refused;
    receiver->Push(Held(static_cast<int>(refused)));
    ASSERT_TRUE(Eventually([&] { return receiver->Look().dropped.at(Drop::kRefused) == refused; }))
        << status;
    EXPECT_EQ(server.Requests().size(), refused);
    EXPECT_EQ(receiver->Look().seq, refused) << "its cursor goes on";
    EXPECT_EQ(receiver->Look().up, false);
    EXPECT_THAT(receiver->Look().trouble, HasSubstr("answer & <more>"));
  }
  server.AnswerWith(204);
  receiver->Push(Held(6));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 1; }));
  EXPECT_EQ(nlohmann::json::parse(server.Requests().back().body)["left_out"], 5);
  EXPECT_EQ(receiver->Look().up, true);
}

TEST_F(ReceiverTest, AnAlertmanagerIsToldUnderItsPath) {
  TestReceiver server;
  const auto receiver =
      Make(Options("http://127.0.0.1:" + std::to_string(server.Port()), Format::kAlertmanager));
  receiver->Stand({Held(1)});
  ASSERT_TRUE(Eventually([&] { return receiver->Look().sent == 1; }));
  EXPECT_EQ(server.Requests().at(0).path, "/api/v2/alerts");
  receiver->Stand({});
  ASSERT_TRUE(Eventually([&] { return server.Requests().size() == 2; }));
}

TEST_F(ReceiverTest, TheServersNameMustBeInItsCertificate) {
  const http::TempDir directory;
  http::MakeCertificate(directory, "ca");
  http::MakeCertificate(directory, "server", "ca");
  http::MakeCertificate(directory, "other");
  const std::string web = directory.Write(
      "web.yml", "tls_server_config: {cert_file: server.crt, key_file: server.key}\n");
  auto config = http::WebConfig::Load(web);
  ASSERT_TRUE(config) << config.error().message;
  http::ServerOptions with_tls;
  with_tls.web_config = *config;
  TestReceiver server(with_tls);
  const std::string port = std::to_string(server.Port());
  const auto attempt = [&](const std::string& host, const std::string& ca) {
    ReceiverOptions options = Options("https://" + host + ":" + port + "/in");
    options.ca_file = directory.Path(ca);
    const auto receiver = Make(options);
    receiver->Push(Held(1));
    EXPECT_TRUE(Eventually([&] { return receiver->Look().up.has_value(); }));
    return receiver->Look();
  };
  EXPECT_EQ(attempt("127.0.0.1", "ca.crt").sent, 1U);
  const Progress unknown = attempt("127.0.0.1", "other.crt");
  EXPECT_EQ(unknown.sent, 0U);
  EXPECT_EQ(unknown.pending, 1U) << "a person may mend it: it is tried again";
  EXPECT_EQ(attempt("localhost", "ca.crt").sent, 0U) << "another name than the certificate's";
  EXPECT_EQ(server.Requests().size(), 1U);
}

TEST_F(ReceiverTest, NeverSaysThePathOfAUrl) {
  EXPECT_EQ(Shown("https://hooks.example.org:8443/services/SECRET?x=1#y"),
            "https://hooks.example.org:8443");
  EXPECT_EQ(Shown("http://user:word@[::1]:9093"), "http://[::1]:9093");
  const auto receiver = Make(Options("http://127.0.0.1:1/SECRET"));
  receiver->Push(Held(1));
  ASSERT_TRUE(Eventually([&] { return receiver->Look().failed == 1; }));
  EXPECT_THAT(receiver->Look().trouble, HasSubstr("http://127.0.0.1:1: "));
  EXPECT_THAT(receiver->Look().trouble, Not(HasSubstr("SECRET")));
  const auto tested = receiver->Test();
  ASSERT_FALSE(tested);
  EXPECT_EQ(tested.error().kind, ErrorKind::kUnreachable);
  EXPECT_THAT(tested.error().message, Not(HasSubstr("SECRET")));
  EXPECT_THAT(receiver->Status().where, Not(HasSubstr("SECRET")));
}

TEST_F(ReceiverTest, ATestGivesTheAnswerInEachFormat) {
  TestReceiver server;
  for (const Format format : All<Format>()) {
    const std::string base = "http://127.0.0.1:" + std::to_string(server.Port());
    const auto receiver =
        Make(Options(format == Format::kAlertmanager ? base : base + "/in", format));
    server.AnswerWith(200);
    auto answer = receiver->Test();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->taken);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "answer & <more>\\n");
    EXPECT_EQ(receiver->Look().up, true);
    EXPECT_EQ(receiver->Look().sent, 0U) << "it is no notification";
    server.AnswerWith(403);
    answer = receiver->Test();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->taken);
    EXPECT_EQ(receiver->Look().up, false);
  }
  EXPECT_THAT(server.Requests().back().Header("Idempotency-Key"), HasSubstr("\"test-chat-"));
}

TEST_F(ReceiverTest, EndsAtOnceThoughItsRequestHangs) {
  TestReceiver server;
  server.Hang(true);
  ReceiverOptions options = Options(server.Url());
  options.timeout = Seconds(60);
  auto receiver = Make(options);
  receiver->Push(Held(1));
  ASSERT_TRUE(Eventually([&] { return server.Requests().size() == 1; }));
  EXPECT_EQ(receiver->Look().pending, 1U);
  const SteadyTime before = clock_.Steady();
  receiver.reset();
  EXPECT_LT(clock_.Steady() - before, Seconds(2));
}

}  // namespace
}  // namespace mailhub::notify
