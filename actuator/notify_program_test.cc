// The actuator as a process, and receivers: killed between commit and delivery; a real Alertmanager;
// a reload. Its runbook only asks a person, so it touches no host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "actuator/notify/testing_notify.h"
#include "actuator/testing_program.h"
#include "lib/http/client.h"

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using notify::testing::TestReceiver;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_process::Eventually;
using testing_process::Process;
using testing_process::ReadAll;

class NotifyProgramTest : public testing_process::ProgramTest {
 protected:
  NotifyProgramTest() {
    Write("runbooks/ask.yml",
          "runbook: ask\nsummary: Ask a person\nsteps:\n  - confirm: Is it quiet?\n");
  }
  static std::string Plain(const TestReceiver& receiver, const std::string& name = "tickets") {
    return "  - {name: " + name + ", format: plain, url: '" + receiver.Url() + "'}\n";
  }
  void Configure(const std::string& receivers) { WriteConfiguration("receivers:\n" + receivers); }
  void StartActive() {
    Start();
    ASSERT_EQ(Post("/api/v1/mode", R"({"mode":"active"})").status, 200);
  }
  std::string StartRun() {
    const http::HttpResponse answer = Post("/api/v1/runs", R"({"runbook":"ask"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const size_t at = answer.body.find("\"run\":\"");
    return at == std::string::npos ? "" : answer.body.substr(at + 7, 32);
  }
  int Confirm(const std::string& run) {
    return Post("/api/v1/runs/" + run + "/confirm", R"({"step":"1","attempt":1})").status;
  }
};

TEST_F(NotifyProgramTest, WhatWasCommittedButNotDeliveredComesAfterAKillWithTheSameId) {
  TestReceiver tickets;
  Configure(Plain(tickets));
  StartActive();
  tickets.Hang(true);  // the request is there, its answer is not
  const std::string run = StartRun();
  ASSERT_TRUE(Eventually([&] { return tickets.Requests().size() == 1; }));
  EXPECT_EQ(program_->End(SIGKILL), -1);
  const std::string id = "\"" + run + "-waiting-1-1\"";
  EXPECT_EQ(tickets.Requests()[0].Header("Idempotency-Key"), id);
  tickets.Hang(false);
  Start();
  ASSERT_TRUE(Eventually([&] { return tickets.Requests().size() == 2; }));
  EXPECT_EQ(tickets.Requests()[1].Header("Idempotency-Key"), id);
  EXPECT_EQ(tickets.Requests()[1].body, tickets.Requests()[0].body);
  EXPECT_EQ(Confirm(run), 200);
  ASSERT_TRUE(Eventually([&] { return tickets.Requests().size() == 3; }));
  EXPECT_EQ(tickets.Requests()[2].Header("Idempotency-Key"), "\"" + run + "-finished\"");
}

TEST_F(NotifyProgramTest, AReceiverThatHangsDelaysNeitherRunsNorTheEndOfTheProgram) {
  TestReceiver tickets;
  tickets.Hang(true);
  Configure(Plain(tickets));
  StartActive();
  const std::string run = StartRun();
  ASSERT_TRUE(Eventually([&] { return tickets.Requests().size() == 1; }));
  EXPECT_EQ(Confirm(run), 200);
  EXPECT_TRUE(Eventually([&] {
    return Get("/api/v1/runs/" + run).body.find("\"result\":\"succeeded\"") != std::string::npos;
  }));
  EXPECT_TRUE(Eventually([&] {
    return Get("/metrics").body.find("receiver_pending{receiver=\"tickets\"} 2\n") !=
           std::string::npos;
  }));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(program_->End(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST_F(NotifyProgramTest, AReloadChangesReceiversAndRefusesAFileThatIsMissing) {
  TestReceiver tickets;
  WriteConfiguration();
  StartActive();
  EXPECT_THAT(Get("/api/v1/receivers").body, HasSubstr("\"receivers\":[]"));
  Configure("  - {name: chat, format: slack, url_file: chat.url}\n");
  EXPECT_EQ(Post("/-/reload", "").status, 400);
  EXPECT_THAT(Get("/api/v1/status").body, HasSubstr("receivers[0].url_file: "));
  Write("chat.url", "no URL\n");
  EXPECT_EQ(Post("/-/reload", "").status, 400);
  Write("chat.url", tickets.Url() + "\n");
  EXPECT_EQ(Post("/-/reload", "").status, 200);
  ASSERT_TRUE(Eventually(
      [&] { return Get("/api/v1/receivers").body.find("\"chat\"") != std::string::npos; }));
  EXPECT_THAT(Get("/api/v1/receivers").body, Not(HasSubstr("/in")));
  EXPECT_EQ(Post("/api/v1/receivers/chat/test", "{}").status, 200);
  EXPECT_THAT(tickets.Requests().back().body, HasSubstr("This is a test"));
  StartRun();
  ASSERT_TRUE(Eventually([&] { return tickets.Requests().size() == 2; }));
  EXPECT_THAT(tickets.Requests().back().body, HasSubstr("asks a person: `Is it quiet?`"));
}

TEST_F(NotifyProgramTest, AnAlertmanagerShowsAQuestionUntilItIsAnswered) {
  const std::string alertmanager = "/usr/bin/prometheus-alertmanager";
  ASSERT_TRUE(fs::exists(alertmanager)) << "scripts/deps.sh installs it";
  Write("alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n");
  // A free port: it is taken and given back.
  int port = 0;
  {
    const TestReceiver taken;
    port = taken.Port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  const Process process(
      {alertmanager, "--config.file=" + (folder_ / "alertmanager.yml").string(),
       "--storage.path=" + (folder_ / "data").string(),
       "--web.listen-address=127.0.0.1:" + std::to_string(port), "--cluster.listen-address="},
      folder_ / "alertmanager.log");
  const auto alerts = [&]() -> std::string {
    const auto answer = client_.Get(url + "/api/v2/alerts");
    return answer && answer->status == 200 ? answer->body : "";
  };
  ASSERT_TRUE(Eventually([&] { return alerts() == "[]\n"; }))
      << ReadAll(folder_ / "alertmanager.log");
  Configure("  - {name: am, format: alertmanager, url: '" + url + "/'}\n");
  StartActive();
  const std::string run = StartRun();
  ASSERT_TRUE(Eventually([&] { return alerts().find(run) != std::string::npos; }));
  const std::string shown = alerts();
  EXPECT_THAT(shown, HasSubstr("\"alertname\":\"MailhubRunWaiting\""));
  EXPECT_THAT(shown, HasSubstr("\"run\":\"ask\""));
  EXPECT_THAT(shown, HasSubstr("\"state\":\"active\""));
  EXPECT_THAT(shown, HasSubstr("mailhubctl run confirm " + run.substr(0, 12) + " --step 1"));
  EXPECT_EQ(Confirm(run), 200);
  // A resolved alert is no longer among them; the run's end is.
  EXPECT_TRUE(Eventually([&] {
    const std::string now = alerts();
    return now.find("MailhubRunWaiting") == std::string::npos &&
           now.find("MailhubRunFinished") != std::string::npos;
  })) << alerts();
}

}  // namespace
}  // namespace mailhub
