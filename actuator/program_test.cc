// The actuator program as an operator runs it: flags, webhook, reload, signals, crashes. In mode
// observe, so that it touches no host.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "actuator/testing_program.h"
#include "lib/http/client.h"
#include "lib/http/testing_http.h"

namespace mailhub {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using testing_process::Eventually;
using testing_process::kToken;
using testing_process::kWebhook;
using testing_process::Process;
using testing_process::Program;
using testing_process::ProgramTest;
using testing_process::ReadAll;

TEST_F(ProgramTest, ChecksItsFilesAndSaysWhereAMistakeIs) {
  std::string said;
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 0);
  EXPECT_THAT(said, HasSubstr("good, 1 trigger, 3 runbooks, 6 hosts"));

  WriteConfiguration("    colour: red\n");
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 1);
  EXPECT_THAT(said, HasSubstr("actuator.yml:13:5: "));

  WriteConfiguration("  - {name: x, match: [a=b], runbook: no-such-runbook}\n");
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 1);
  EXPECT_THAT(said, HasSubstr("actuator.yml:13:38: triggers[1].runbook: there is no runbook"));

  WriteConfiguration("  - {name: x, match: [a=b], runbook: mailhub-rebuild}\n");
  EXPECT_EQ(RunOnce(Arguments(), &said), 1) << "not only with --config.check";
  EXPECT_THAT(said, HasSubstr("needs the parameter \\\"mailhub\\\""));

  WriteConfiguration("    parameters: {rebuild_timeout: six hours}\n    only_if: '> > 60e6'\n");
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 1);
  EXPECT_THAT(said, HasSubstr("actuator.yml:13:35: triggers[0].parameters.rebuild_timeout: "));

  WriteConfiguration("    only_if: '> > 60e6'\n");
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 1);
  EXPECT_THAT(said, HasSubstr("actuator.yml:13:14: triggers[0].only_if: "));
}

TEST_F(ProgramTest, LooksAtTheFilesThatItsConfigurationNames) {
  fs::remove(folder_ / "keys/actuator");
  std::string said;
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 1);
  EXPECT_THAT(said, HasSubstr("ssh.actuator_key: "));
  EXPECT_THAT(said, HasSubstr("keys/actuator: No such file or directory"));
  EXPECT_EQ(RunOnce(Arguments(), &said), 1) << "not only with --config.check";
  EXPECT_THAT(said, HasSubstr("ssh.actuator_key: "));
  EXPECT_FALSE(fs::exists(folder_ / "journal.db")) << "refused before anything is written";
}

TEST_F(ProgramTest, AnswersThoughHundredsOfClientsSayNothing) {
  Start();
  const int port = std::atoi(url_.substr(url_.rfind(':') + 1).c_str());
  std::vector<std::unique_ptr<http::RawClient>> silent;
  for (int i = 0; i < 500; ++i) {
    silent.push_back(std::make_unique<http::RawClient>(port));
    if (i % 10 == 0) silent.back()->Send("POST /api/v1/alerts HTTP/1.1\r\nHost: ");
    if (i % 10 == 1)
      silent.back()->Send("POST /api/v1/alerts HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n");
  }
  http::RequestOptions options;
  options.timeout = seconds(1);
  for (const char* page : {"/metrics", "/-/healthy"}) {
    const auto answer = http::Client().Get(url_ + page, options);  // a new connection
    ASSERT_TRUE(answer) << page << ": " << answer.error().message;
    EXPECT_EQ(answer->status, 200) << page;
  }
  options.headers = {{"Authorization", std::string("Bearer ") + kToken}};
  const auto taken =
      http::Client().Post(url_ + kWebhook, Firing("eddy-1"), "application/json", options);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->status, 200) << taken->body;
}

TEST_F(ProgramTest, TheShippedExampleIsGood) {
  fs::copy(fs::path(MAILHUB_SOURCE_DIR) / "actuator/actuator.example.yml", folder_ / "actuator.yml",
           fs::copy_options::overwrite_existing);
  // A real site's file names paths in /etc and /var.
  std::string text = ReadAll(folder_ / "actuator.yml");
  const std::string journal = "/var/lib/mailhub-actuator/";
  text.erase(text.find(journal), journal.size());
  Write("actuator.yml", text);
  Write("api.token", "another-token-of-length\n");
  ASSERT_EQ(::chmod((folder_ / "api.token").c_str(), 0600), 0);
  std::string said;
  EXPECT_EQ(RunOnce(Arguments({"--config.check"}), &said), 0) << said;
}

TEST_F(ProgramTest, AnswersItsFlags) {
  std::string said;
  EXPECT_EQ(RunOnce({"--version"}, &said), 0);
  EXPECT_THAT(said, HasSubstr(" (revision "));
  EXPECT_EQ(RunOnce({"--help"}, &said), 0);
  EXPECT_THAT(said, HasSubstr("--config.file"));
  EXPECT_EQ(RunOnce({"--print-runner"}, &said), 0);
  EXPECT_THAT(said, ::testing::StartsWith("#!/bin/sh\n# mailhub's runner"));
  EXPECT_EQ(RunOnce({"--no-such-flag"}, &said), 2);
  EXPECT_EQ(RunOnce(Arguments({"--log.level=loud"}), &said), 2);
}

TEST_F(ProgramTest, AsksItselfWhetherItIsHealthy) {
  std::string said;
  EXPECT_EQ(RunOnce({"--check-health=http://127.0.0.1:1/-/healthy"}, &said), 1);
  EXPECT_THAT(said, HasSubstr("127.0.0.1:1"));
  Start();
  EXPECT_EQ(RunOnce({"--check-health=" + url_ + "/-/healthy"}, &said), 0) << said;
  EXPECT_EQ(RunOnce({"--check-health=" + url_ + "/no/such/page"}, &said), 1);
  EXPECT_THAT(said, HasSubstr(" answers 404: "));
}

TEST_F(ProgramTest, ListensOnlyOnLoopbackUnlessSecured) {
  std::string said;
  for (const char* address : {"0.0.0.0:0", ":0", "[::]:0"}) {
    EXPECT_EQ(RunOnce(Arguments({std::string("--web.listen-address=") + address}), &said), 1);
    EXPECT_THAT(said, HasSubstr("TLS and authentication")) << address;
  }
  Write("web.yml",
        "basic_auth_users: {a: $2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234}\n");
  EXPECT_EQ(RunOnce(Arguments({"--web.listen-address=0.0.0.0:0",
                               "--web.config.file=" + (folder_ / "web.yml").string()}),
                    &said),
            1)
      << "a login alone is not enough: passwords would travel in the clear";
  EXPECT_FALSE(fs::exists(folder_ / "journal.db")) << "refused before anything is written";
}

TEST_F(ProgramTest, ATokenIsAsGoodAsALogin) {
  Write("web.yml",
        "basic_auth_users: {a: $2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234}\n");
  Start({"--web.config.file=" + (folder_ / "web.yml").string()});
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2"), "").status, 401);
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2"), "wrong-token-of-length").status, 401);
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2")).status, 200);
  EXPECT_EQ(Get(kWebhook).status, 401) << "looking at alerts is no delivery";
  EXPECT_EQ(Get("/api/v1/runs", "wrong-token-of-length").status, 401);
  EXPECT_EQ(Get("/api/v1/runs", kToken).status, 200);
  EXPECT_EQ(Post("/api/v1/runs", "{}", "").status, 401);
  EXPECT_EQ(Post("/api/v1/runs", "{}").status, 400) << "what is asked is looked at";
  EXPECT_THAT(Get("/api/v1/runs", "wrong-token-of-length").body, HasSubstr("is not the API token"));
  ASSERT_EQ(::chmod((folder_ / "webhook.token").c_str(), 0644), 0);
  for (const auto& unusable : {Post("/api/v1/runs", "{}"), Get("/api/v1/runs", kToken)}) {
    EXPECT_EQ(unusable.status, 503);
    EXPECT_THAT(unusable.body, HasSubstr("webhook.token"));
  }
  ASSERT_EQ(::chmod((folder_ / "webhook.token").c_str(), 0600), 0);
  EXPECT_THAT(Get("/metrics", kToken).body,
              HasSubstr("notifications_refused_total{reason=\"unauthorized\"} 2\n"));
}

TEST_F(ProgramTest, ATokenFileThatEverybodyReadsIsRefused) {
  ASSERT_EQ(::chmod((folder_ / "webhook.token").c_str(), 0644), 0);
  std::string said;
  EXPECT_EQ(RunOnce(Arguments(), &said), 1);
  EXPECT_THAT(said, HasSubstr("chmod"));
}

TEST_F(ProgramTest, DeliveriesAreJudgedRecordedAndCounted) {
  Start();
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2"), "").status, 401);
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2"), "wrong-token-of-length").status, 401);
  EXPECT_EQ(Post(kWebhook, "{\"version\":").status, 400);
  EXPECT_EQ(Post(kWebhook, std::string(2 << 20, ' ')).status, 400);
  EXPECT_EQ(Post(kWebhook, std::string(33 << 20, ' ')).status, 503);
  EXPECT_EQ(Post(kWebhook, std::string(33 << 20, ' '), "").status, 401);
  EXPECT_EQ(Post(kWebhook, Firing("mailhub2")).status, 200);
  EXPECT_EQ(Post(kWebhook, Firing("mailhub9")).status, 200);
  const std::string alerts = Get(kWebhook).body;
  EXPECT_THAT(alerts, HasSubstr("\"observed\""));
  EXPECT_THAT(alerts, HasSubstr("\"rejected\""));
  EXPECT_THAT(alerts, HasSubstr("mailhub9"));
  const std::string page = Get("/metrics").body;
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_webhook_requests_total{code=\"401\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_webhook_requests_total{code=\"400\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_webhook_requests_total{code=\"503\"} 1\n"));
  for (const char* line : {"too_large\"} 1\n", "malformed\"} 2\n", "unauthorized\"} 3\n"})
    EXPECT_THAT(page, HasSubstr(std::string("notifications_refused_total{reason=\"") + line));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_alerts_total{decision=\"rejected\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_webhook_requests_total{code=\"200\"} 2\n"))
      << "looking at alerts is no delivery";
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_mode{mode=\"observe\"} 1\n"));
}

TEST_F(ProgramTest, FifteenHundredAlertsWithAnnotationsAreTakenAtOnce) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr int kMany = 150;  // times the answer's limit, many times slower
#else
  constexpr int kMany = 1'500;
#endif
  Start();
  std::string body = R"({"version":"4","alerts":[)";
  for (int i = 0; i < kMany; ++i) {
    if (i > 0) body += ",";
    body +=
        R"({"status":"firing","startsAt":"2024-03-01T00:00:00Z","fingerprint":"00000000000000aa",)"
        R"("labels":{"alertname":"TablesStale","instance":"mailhub2"},"annotations":{"d":")" +
        std::string(4'000, 'd') + R"("}})";
  }
  body += "]}";
  const http::HttpResponse answer = Post(kWebhook, body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(Get("/metrics").body,
              HasSubstr("mailhub_actuator_alerts_total{decision=\"observed\"} " +
                        std::to_string(kMany) + "\n"));
}

TEST_F(ProgramTest, EveryAnswerBelowApiComesInTheEnvelope) {
  Start();
  const auto refused = [](const http::HttpResponse& answer, int status, const std::string& type) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(std::string(answer.Header("content-type")), HasSubstr("application/json"));
    EXPECT_THAT(answer.body, HasSubstr("\"status\":\"error\""));
    EXPECT_THAT(answer.body, HasSubstr("\"errorType\":\"" + type + "\""));
  };
  refused(Get("/api/v1/nonsense"), 404, "not_found");
  refused(Post("/api/v1/status", "{}"), 405, "invalid");
  refused(Post(kWebhook, Firing("mailhub2"), ""), 401, "unauthorized");
  refused(Post(kWebhook, "{\"version\":"), 400, "invalid");
  refused(Post(kWebhook, std::string(33 << 20, ' ')), 503, "overloaded");
  refused(Post("/api/v1/runs", std::string(2 << 20, ' ')), 413, "invalid");
  const http::HttpResponse taken = Post(kWebhook, Firing("mailhub2"));
  EXPECT_THAT(taken.body, HasSubstr("\"status\":\"success\""));
  EXPECT_THAT(taken.body, HasSubstr("\"notification\":\""));
  const http::HttpResponse elsewhere = Get("/nonsense");
  EXPECT_EQ(elsewhere.status, 404);
  EXPECT_THAT(std::string(elsewhere.Header("content-type")), HasSubstr("text/plain"));
}

TEST_F(ProgramTest, ANotificationAnswered200SurvivesAKill) {
  Start();
  const http::HttpResponse answer = Post(kWebhook, Firing("mailhub2"));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(program_->End(SIGKILL), -1);
  Start();
  EXPECT_THAT(Get(kWebhook).body, HasSubstr("\"observed\""));
}

TEST_F(ProgramTest, ASecondOneOnTheSameJournalIsRefused) {
  Start();
  std::string said;
  EXPECT_EQ(RunOnce(Arguments(), &said), 1);
  EXPECT_THAT(said, HasSubstr("another actuator (pid "));
}

TEST_F(ProgramTest, AReloadTakesAGoodFileAndLeavesABadOne) {
  Start();
  const auto decided_after = [this](const std::string& alert) {
    EXPECT_EQ(Post(kWebhook, alert).status, 200);
    return Get(std::string(kWebhook) + "?limit=1").body;
  };
  WriteConfiguration("    colour: red\n");
  program_->Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] {
    return Get("/metrics").body.find("config_last_reload_successful 0\n") != std::string::npos;
  }));
  EXPECT_THAT(ReadAll(folder_ / "log"), HasSubstr("actuator.yml:13:5"));
  EXPECT_THAT(Get("/api/v1/status").body, HasSubstr("actuator.yml:13:5"));
  EXPECT_THAT(decided_after(Firing("mailhub2")), HasSubstr("observed")) << "the old one stays";
  EXPECT_NE(Post("/-/reload", "").status, 200);

  std::string text = ReadAll(folder_ / "actuator.yml");
  text.replace(text.find("TablesStale"), 11, "SomethingEl");
  text.erase(text.find("    colour"));
  Write("actuator.yml", text);
  EXPECT_EQ(Post("/-/reload", "", "").status, 401);
  EXPECT_EQ(Post("/-/reload", "").status, 200);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("config_last_reload_successful 1\n"));
  EXPECT_THAT(Get("/api/v1/status").body, HasSubstr("\"reloadRefusedAt\":null"));
  EXPECT_THAT(decided_after(Firing("mailhub2")), HasSubstr("ignored"));
}

TEST_F(ProgramTest, EndsWithinTwoSecondsAlsoWithConnectionsOpen) {
  Start();
  Get("/-/healthy");  // its connection is kept
  const auto before = steady_clock::now();
  EXPECT_EQ(program_->End(SIGTERM), 0);
  EXPECT_LT(steady_clock::now() - before, seconds(2));
}

}  // namespace
}  // namespace mailhub
