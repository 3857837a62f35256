// Test fixture: the whole API on a real loopback server, with a fake backend.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "actuator/api/answer.h"
#include "actuator/api/api.h"
#include "actuator/api/testing_backend.h"
#include "lib/http/client.h"

namespace mailhub::api {

using Json = nlohmann::json;

class FixedClock final : public Clock {
 public:
  WallTime Now() const override { return testing::kStart + Seconds(60); }
  SteadyTime Steady() const override { return SteadyTime(); }
};

class ApiTest : public ::testing::Test {
 public:
  ~ApiTest() override {
    server_.Stop();
    unlink(token_file_.c_str());
  }

 protected:
  ApiTest() : token_file_("/tmp/mailhub-api-token-" + std::to_string(getpid())) {
    std::ofstream(token_file_) << "correct-horse-battery\n";
    chmod(token_file_.c_str(), 0600);
    ApiOptions options;
    options.version = "1.2.3";
    options.token_file = token_file_;
    options.max_event_streams = 1;
    AddRoutes(server_, backend_, metrics_, clock_, options);
    const Status started = server_.Start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    engine::View view;
    view.unfinished = {testing::RunAtItsGate()};
    view.epoch = 7;
    backend_.Show(view);
  }

  void Show(engine::RunView run) {
    engine::View view;
    view.unfinished = {std::move(run)};
    backend_.Show(view);
  }
  http::HttpResponse Get(const std::string& path) {
    http::Client client;
    auto response = client.Get(Url(path));
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::HttpResponse();
  }
  http::HttpResponse Post(const std::string& path, const std::string& body,
                          const std::string& token = "correct-horse-battery",
                          const std::string& type = "application/json") {
    http::Client client;
    http::RequestOptions options;
    if (!token.empty()) options.headers = {{"Authorization", "Bearer " + token}};
    auto response = client.Post(Url(path), body, type, options);
    EXPECT_TRUE(response) << (response ? "" : response.error().message);
    return response ? *response : http::HttpResponse();
  }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_.Port()) + path;
  }
  static Json Data(const http::HttpResponse& response) {
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(json.value("status", ""), "success") << response.body;
    return json.value("data", Json());
  }
  static void ExpectError(const http::HttpResponse& response, int status, const std::string& type,
                          const std::string& says) {
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_EQ(response.status, status) << response.body;
    ASSERT_TRUE(json.is_object()) << response.body;
    EXPECT_EQ(json.value("status", ""), "error");
    EXPECT_EQ(json.value("errorType", ""), type);
    EXPECT_THAT(json.value("error", ""), ::testing::HasSubstr(says));
  }

  const std::string token_file_;
  testing::FakeBackend backend_;
  ActuatorMetrics metrics_{"1.2.3"};
  FixedClock clock_;
  http::Server server_{[] {
    http::ServerOptions options;
    options.on_refusal = PutInEnvelope;
    return options;
  }()};
};

}  // namespace mailhub::api
