#include "actuator/webhook/receiver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "actuator/webhook/notification.h"
#include "actuator/webhook/token_file.h"

namespace mailhub::webhook {
namespace {

constexpr const char* kBody =
    R"({"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A"},
        "startsAt":"2024-03-01T00:00:00Z","fingerprint":"00000000000000aa"}]})";
constexpr const char* kToken = "correct-horse-battery";

// Records submissions and answers as told.
class FakeBackend final : public api::Backend {
 public:
  Result<std::string> Submit(api::Ask what) override {
    submitted.push_back(std::get<engine::Notification>(what));
    if (!answer) return answer;
    return submitted.back().id;
  }
  std::shared_ptr<const engine::View> Look() const override {
    return std::make_shared<engine::View>();
  }
  Result<engine::Plan> MakePlan(const std::string&,
                                const std::map<std::string, std::string>&) override {
    return engine::Plan{};
  }
  Result<uint64_t> History(const engine::RunFilter&,
                           const std::function<bool(const engine::PastRun&)>&) override {
    return 0;
  }
  Result<uint64_t> Report(const engine::RunFilter&,
                          const std::function<bool(const engine::ReportedRun&)>&) override {
    return 0;
  }
  Result<std::optional<WallTime>> RunsWholeFrom() override { return std::optional<WallTime>(); }
  Result<engine::StartView> ForeseeStart(const engine::Plan&) override {
    return engine::StartView{};
  }
  Result<uint64_t> Alerts(const engine::AlertFilter&,
                          const std::function<bool(const engine::PastAlert&)>&) override {
    return 0;
  }
  Status RunEvents(const std::string&, uint64_t,
                   const std::function<bool(const engine::Event&)>&) override {
    return {};
  }
  Result<std::vector<engine::AlertTrial>> Try(engine::Notification) override {
    return std::vector<engine::AlertTrial>();
  }
  engine::QueryReading AskPrometheus(const std::string&) override { return {}; }
  Result<engine::LivePlan> CheckPlan(const std::string&,
                                     const std::map<std::string, std::string>&) override {
    return engine::LivePlan{};
  }
  Status Reload() override { return {}; }
  api::ConfigurationState Configuration() const override { return {}; }
  bool Ready() const override { return true; }

  Result<std::string> answer = std::string("ok");
  std::vector<engine::Notification> submitted;
};

class ReceiverTest : public ::testing::Test {
 protected:
  ReceiverTest() {
    path_ = std::filesystem::temp_directory_path() / "mailhub-token-XXXXXX";
    const int file = ::mkstemp(path_.data());
    if (file < 0) std::abort();
    ::close(file);
    WriteTokens(std::string(kToken) + "\n");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void WriteTokens(const std::string& text) const { std::ofstream(path_) << text; }
  // As the server does.
  static http::Response Deliver(const Receiver& receiver, const http::Request& request) {
    if (auto refusal = receiver.BeforeBody(request)) return *std::move(refusal);
    return receiver.Receive(request);
  }
  static http::Request Post(const std::string& body, const std::string& token = kToken) {
    http::Request request;
    request.method = "POST";
    request.path = kPath;
    request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                       {"Authorization", "Bearer " + token}};
    request.body = body;
    return request;
  }

  std::string path_;
  FakeBackend backend_;
};

TEST_F(ReceiverTest, ACommittedNotificationIsAnswered200) {
  const Receiver receiver(&backend_, path_);
  const http::Response response = Deliver(receiver, Post(kBody));
  EXPECT_EQ(response.status, 200);
  ASSERT_EQ(backend_.submitted.size(), 1u);
  EXPECT_EQ(backend_.submitted[0].id.size(), 32u);
  EXPECT_NE(response.body.find(backend_.submitted[0].id), std::string::npos);
}

TEST_F(ReceiverTest, EachDeliveryGetsAnIdOfItsOwn) {
  const Receiver receiver(&backend_, path_);
  (void)Deliver(receiver, Post(kBody));
  (void)Deliver(receiver, Post(kBody));
  ASSERT_EQ(backend_.submitted.size(), 2u);
  EXPECT_NE(backend_.submitted[0].id, backend_.submitted[1].id);
}

TEST_F(ReceiverTest, AnUncommittedNotificationIsRequestedAgain) {
  const Receiver receiver(&backend_, path_);
  for (const ErrorKind kind : {ErrorKind::kOverloaded, ErrorKind::kInternal, ErrorKind::kCorrupt,
                               ErrorKind::kOutcomeUnknown, ErrorKind::kRefused}) {
    backend_.answer = Fail(kind, "no");
    EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 503) << Name(kind);
  }
  backend_.answer = Fail(ErrorKind::kInvalid, "no");
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 400);
}

TEST_F(ReceiverTest, WithoutTheRightTokenNothingIsSubmitted) {
  const Receiver receiver(&backend_, path_);
  for (const std::string token : {"", "wrong", "correct-horse-batterz", "correct-horse-battery2"}) {
    const http::Response response = Deliver(receiver, Post(kBody, token));
    EXPECT_EQ(response.status, 401) << token;
    EXPECT_TRUE(receiver.BeforeBody(Post("", token)));
  }
  http::Request bare = Post(kBody);
  bare.headers.pop_back();
  EXPECT_EQ(Deliver(receiver, bare).status, 401);
  bare.headers.emplace_back("Authorization", "Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5");
  EXPECT_EQ(Deliver(receiver, bare).status, 401);
  EXPECT_TRUE(backend_.submitted.empty());
}

TEST_F(ReceiverTest, ALoginThatMayOnlyLookStartsNothingThisWayEither) {
  http::Request request = Post(kBody, "");
  request.user = "vera";
  const Receiver receiver(&backend_, path_, {},
                          [](const std::string& login) { return login != "vera"; });
  EXPECT_EQ(Deliver(receiver, request).status, 403);
  EXPECT_TRUE(backend_.submitted.empty());
  request.user = "anna";
  EXPECT_EQ(Deliver(receiver, request).status, 200);
  EXPECT_EQ(backend_.submitted.at(0).by, "anna");
}

TEST_F(ReceiverTest, ALoggedInUserNeedsNoToken) {
  http::Request request = Post(kBody, "");
  request.user = "alertmanager";
  EXPECT_EQ(Deliver(Receiver(&backend_, path_), request).status, 200);
  EXPECT_EQ(Deliver(Receiver(&backend_, ""), request).status, 200);
  request.user.clear();
  EXPECT_EQ(Deliver(Receiver(&backend_, ""), request).status, 401) << "nobody gets in unproved";
}

TEST_F(ReceiverTest, EachAnswerIsCountedOnceWithItsOutcome) {
  std::vector<std::pair<Outcome, int>> told;
  const Receiver receiver(&backend_, path_, [&told](Outcome outcome, int status) {
    told.emplace_back(outcome, status);
  });
  EXPECT_FALSE(receiver.BeforeBody(Post("")));
  (void)Deliver(receiver, Post(kBody));
  (void)receiver.BeforeBody(Post("", "wrong"));
  (void)Deliver(receiver, Post("{"));
  backend_.answer = Fail(ErrorKind::kOverloaded, "no");
  (void)Deliver(receiver, Post(kBody));
  EXPECT_EQ(told, (std::vector<std::pair<Outcome, int>>{{Outcome::kCommitted, 200},
                                                        {Outcome::kUnauthorized, 401},
                                                        {Outcome::kMalformed, 400},
                                                        {Outcome::kLater, 503}}));
}

TEST_F(ReceiverTest, ATooLargeNotificationIsRequestedAgainAndCountedSeparately) {
  std::vector<Outcome> told;
  const Receiver receiver(&backend_, path_,
                          [&told](Outcome outcome, int) { told.push_back(outcome); });
  http::Request announced = Post("");
  announced.headers.emplace_back("Content-Length", std::to_string(kMostBytes + 1));
  const auto refusal = receiver.BeforeBody(announced);
  ASSERT_TRUE(refusal) << "before it is read";
  EXPECT_EQ(refusal->status, 503) << "a 4xx would lose it";
  EXPECT_EQ(Deliver(receiver, Post(std::string(kMostBytes + 1, ' '))).status, 503);
  std::string many = R"({"version":"4","alerts":[0)";
  for (size_t i = 0; i < kMostAlerts; ++i) many += ",0";
  EXPECT_EQ(Deliver(receiver, Post(many + "]}")).status, 503);
  EXPECT_EQ(told, std::vector<Outcome>(3, Outcome::kTooLarge));

  announced.headers[1].second = "Bearer wrong";
  EXPECT_EQ(receiver.BeforeBody(announced)->status, 401) << "its sender is asked for first";
  EXPECT_EQ(told.back(), Outcome::kUnauthorized);
  EXPECT_TRUE(backend_.submitted.empty());
}

TEST_F(ReceiverTest, OnlyJsonIsTaken) {
  const Receiver receiver(&backend_, path_);
  http::Request request = Post(kBody);
  request.headers[0].second = "text/plain";
  EXPECT_EQ(Deliver(receiver, request).status, 415);
  request.headers[0].second = "Application/JSON";
  EXPECT_EQ(Deliver(receiver, request).status, 200);
}

TEST_F(ReceiverTest, BrokenBodiesAreRefused) {
  const Receiver receiver(&backend_, path_);
  const http::Response broken = Deliver(receiver, Post("{\"version\":"));
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(broken.body, "the body is not JSON\n");
  EXPECT_EQ(backend_.submitted.size(), 0u);
  EXPECT_EQ(Deliver(receiver, Post(std::string(2 << 20, ' ') + kBody)).status, 200);
}

TEST_F(ReceiverTest, AChangedTokenFileCountsAtOnce) {
  const Receiver receiver(&backend_, path_);
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 200);
  // Both are valid during a replacement.
  WriteTokens("a-new-token-of-its-own\n\n  " + std::string(kToken) + " \r\n");
  EXPECT_EQ(Deliver(receiver, Post(kBody, "a-new-token-of-its-own")).status, 200);
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 200);
  WriteTokens("a-new-token-of-its-own\n");
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 401);
}

TEST_F(ReceiverTest, AnUnusableTokenFileAdmitsNoSenderAndLosesNothing) {
  const Receiver receiver(&backend_, path_);
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 200);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 503) << "readable for everybody";
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  WriteTokens("short\n");
  EXPECT_EQ(Deliver(receiver, Post(kBody, "short")).status, 503);
  WriteTokens("");
  EXPECT_EQ(Deliver(receiver, Post(kBody, "")).status, 503);
  std::filesystem::remove(path_);
  EXPECT_EQ(Deliver(receiver, Post(kBody)).status, 503);
  EXPECT_EQ(backend_.submitted.size(), 1u);
}

TEST_F(ReceiverTest, TheTokenFileIsCheckedBeforeTheStart) {
  EXPECT_TRUE(TokenFile::Check(path_));
  WriteTokens("two words of enough length\n");
  EXPECT_EQ(TokenFile::Check(path_).error().kind, ErrorKind::kInvalid);
  ASSERT_EQ(::chmod(path_.c_str(), 0604), 0);
  EXPECT_EQ(TokenFile::Check(path_).error().kind, ErrorKind::kRefused);
  EXPECT_EQ(TokenFile::Check(path_ + "x").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::webhook
