// The actuator as a process with files of its own, in mode observe, so that it touches no host.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "actuator/testing_process.h"
#include "lib/http/client.h"

namespace mailhub::testing_process {

inline constexpr const char* kWebhook = "/api/v1/alerts";
inline constexpr const char* kToken = "correct-horse-battery";

inline std::vector<std::string> Program(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MAILHUB_ACTUATOR);
  return arguments;
}

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    std::string name = std::filesystem::temp_directory_path() / "mailhub-actuator-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    const std::filesystem::path source = MAILHUB_SOURCE_DIR;
    std::filesystem::copy(source / "tests/lab/config/site.yml", folder_ / "site.yml");
    std::filesystem::copy(source / "actuator/runbooks", folder_ / "runbooks",
                          std::filesystem::copy_options::recursive);
    Write("known_hosts", "10.231.77.10 ssh-ed25519 AAAA\n");
    std::filesystem::create_directory(folder_ / "keys");
    Write("keys/actuator", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    Write("webhook.token", std::string(kToken) + "\n");
    std::filesystem::permissions(
        folder_ / "webhook.token",
        std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    WriteConfiguration();
  }
  void TearDown() override {
    program_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  void WriteConfiguration(const std::string& more = "") const {
    Write("actuator.yml",
          "site: site.yml\nrunbooks: runbooks\njournal: journal.db\nmode: observe\n"
          "web: {listen_address: '127.0.0.1:0', token_file: webhook.token}\n"
          "webhook: {token_file: webhook.token}\n"
          "prometheus: {url: 'http://127.0.0.1:1'}\n"
          "triggers:\n"
          "  - name: stale tables\n"
          "    match: ['alertname=\"TablesStale\"']\n"
          "    runbook: mailhub-rebuild\n"
          "    parameters_from_labels: {mailhub: instance}\n" +
              more);
  }

  std::vector<std::string> Arguments(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "--config.file=" + (folder_ / "actuator.yml").string());
    return more;
  }
  // Runs it to its own end; what it said comes into *said.
  int RunOnce(const std::vector<std::string>& arguments, std::string* said) const {
    Process process(Program(arguments), folder_ / "once.log");
    const int status = process.End(0);
    *said = ReadAll(folder_ / "once.log");
    return status;
  }
  void Start(const std::vector<std::string>& more = {}) {
    std::filesystem::remove(folder_ / "log");  // of an earlier life
    program_ = std::make_unique<Process>(Program(Arguments(more)), folder_ / "log");
    std::string log;
    ASSERT_TRUE(Eventually([&] {
      log = ReadAll(folder_ / "log");
      return log.find(" journal=") != std::string::npos || !program_->Alive();
    }));
    const size_t port = log.find("port=");
    ASSERT_NE(port, std::string::npos) << log;
    url_ = "http://127.0.0.1:" + std::to_string(std::atoi(log.c_str() + port + 5));
    ASSERT_TRUE(Eventually([&] { return Get("/-/ready", kToken).status == 200; }));
  }

  static http::RequestOptions Bearing(const std::string& token) {
    http::RequestOptions options;
    if (!token.empty()) options.headers = {{"Authorization", "Bearer " + token}};
    return options;
  }
  http::HttpResponse Get(const std::string& path, const std::string& token = "") {
    auto response = client_.Get(url_ + path, Bearing(token));
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : http::HttpResponse{};
  }
  http::HttpResponse Post(const std::string& path, const std::string& body,
                          const std::string& token = kToken) {
    auto response = client_.Post(url_ + path, body, "application/json", Bearing(token));
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : http::HttpResponse{};
  }
  static std::string Firing(const std::string& instance) {
    return R"({"version":"4","alerts":[{"status":"firing","startsAt":"2024-03-01T00:00:00Z",)"
           R"("fingerprint":"00000000000000aa","labels":{"alertname":"TablesStale","instance":")" +
           instance + R"("}}]})";
  }

  std::filesystem::path folder_;
  std::unique_ptr<Process> program_;
  http::Client client_;
  std::string url_;
};

}  // namespace mailhub::testing_process
