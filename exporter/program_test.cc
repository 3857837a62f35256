// The exporter program as an operator runs it: flags, pages, reload, signals. Its host is a real
// sshd on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "exporter/helper/testing_process.h"
#include "lib/http/client.h"
#include "lib/http/testing_http.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSomeHash =
    "\"$2y$10$abcdefghijklmnopqrstuuJ8rWbcWAHVuXAdb3Vh2KpZbzXqnCd5W\"";

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("mailhub_program." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    program_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string SiteFile() const { return (folder_ / "site.yml").string(); }

  void WriteSite(const ssh::TestingSshd& sshd, const std::string& more_hosts = "") {
    const auto target = sshd.Target();
    std::ofstream(SiteFile()) << "ssh: {user: " << target.user
                              << ", known_hosts: " << target.known_hosts_file
                              << ", exporter_key: " << target.identity_file
                              << "}\nhosts:\n  here:\n    address: 127.0.0.1\n    port: "
                              << target.port
                              << "\n    files: {passwd: {path: /etc/passwd}}\n    checks:\n"
                                 "      secret: {command: \"echo 1 # password\"}\n    ports: {ssh: "
                              << target.port << "}\n"
                              << more_hosts;
  }

  void Start() {
    program_ = std::make_unique<TestingProcess>(
        MAILHUB_EXPORTER, std::vector<std::string>{"--config.file", SiteFile(),
                                                   "--web.listen-address", "127.0.0.1:0"});
    std::string log;
    ASSERT_TRUE(program_->WaitFor("msg=\"Listening\"", &log)) << log;
    ASSERT_TRUE(log.find(" version=", log.find("Listening")) != std::string::npos ||
                program_->WaitFor(" version=", &log));
    const size_t port = log.find("port=", log.find("Listening"));
    url_ = "http://127.0.0.1:" + std::to_string(std::atoi(log.c_str() + port + 5));
  }

  http::HttpResponse Get(const std::string& path, const http::RequestOptions& options = {}) {
    auto response = client_.Get(url_ + path, options);
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : http::HttpResponse{};
  }

  // Waits until the page at `path` contains `text`.
  bool Eventually(const std::string& path, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (Get(path).body.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::filesystem::path folder_;
  std::unique_ptr<TestingProcess> program_;
  http::Client client_;
  std::string url_;
};

// promtool's complaints about a page; nothing if it is not installed.
std::string Complaints(const std::string& page, const std::filesystem::path& folder) {
  if (!std::filesystem::exists("/usr/bin/promtool")) return "";
  std::ofstream(folder / "page") << page;
  FILE* promtool =
      popen(("promtool check metrics <" + (folder / "page").string() + " 2>&1").c_str(), "r");
  std::string said;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, promtool)) said.append(buffer, n);
  pclose(promtool);
  return said;
}

TEST_F(ProgramTest, ShowsAHostTheHostsAndItself) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  const auto probe = Get("/probe?target=here");
  EXPECT_EQ(probe.status, 200);
  EXPECT_THAT(probe.body, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_file_exists{file=\"passwd\"} 1\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_port_open{port=\"ssh\"} 1\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_probe_failure{reason=\"timeout\"} 0\n"));
  EXPECT_EQ(Complaints(probe.body, folder_), "");
  const auto metrics = Get("/metrics");
  EXPECT_THAT(metrics.body, HasSubstr("\nmailhub_exporter_probes_total{result=\"success\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("\nmailhub_exporter_ssh_sessions 1\n"));
  EXPECT_EQ(Complaints(metrics.body, folder_), "");
  EXPECT_THAT(Get("/sd").body, HasSubstr("\"targets\": [\"here\"]"));
  EXPECT_EQ(std::string(Get("/sd").Header("content-type")).substr(0, 16), "application/json");
  EXPECT_THAT(Get("/").body, HasSubstr("<option>here</option>"));
  EXPECT_EQ(Get("/-/healthy").status, 200);
  EXPECT_EQ(Get("/-/ready").status, 200);
  const auto config = Get("/config");
  EXPECT_THAT(config.body, HasSubstr("files:"));
  EXPECT_THAT(config.body, Not(HasSubstr("password")));
  EXPECT_THAT(config.body, Not(HasSubstr(sshd.Target().identity_file)));
}

// Hosts that accept and say nothing: each keeps its scrapes as long as their clients ask.
class FrozenHosts : public ProgramTest {
 protected:
  FrozenHosts() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 100), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ssh_port_ = ntohs(address.sin_port);
    soon_.timeout = seconds(5);
    soon_.headers = {{"X-Prometheus-Scrape-Timeout-Seconds", "1"}};
  }
  ~FrozenHosts() override { close(listener_); }
  // And a good one.
  void Start(int hosts, int addresses = 1) {
    std::string more;
    for (int i = 0; i < hosts; ++i) {
      more += "  frozen" + std::to_string(i) +
              ": {address: 127.0.0.1, port: " + std::to_string(ssh_port_) + "}\n";
    }
    WriteSite(sshd_, more);
    ProgramTest::Start();
    const int port = std::atoi(url_.substr(url_.rfind(':') + 1).c_str());
    for (int i = 0; i < 80; ++i) {
      const std::string own = "127.0.0." + std::to_string(70 + i % addresses);
      greedy_.push_back(std::make_unique<http::RawClient>(port, own.c_str()));
      greedy_.back()->Send("GET /probe?target=frozen" + std::to_string(i % hosts) +
                           " HTTP/1.1\r\nHost: t\r\n"
                           "X-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n");
    }
    std::this_thread::sleep_for(milliseconds(300));
  }

  const ssh::TestingSshd sshd_;
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int ssh_port_ = 0;
  http::RequestOptions soon_;
  std::vector<std::unique_ptr<http::RawClient>> greedy_;
};

TEST_F(FrozenHosts, KeepNobodyWaitingThoughOneClientAsksOftenForOneOfThem) {
  Start(1);
  EXPECT_THAT(Get("/probe?target=here", soon_).body, HasSubstr("\nprobe_success 1\n"));
  // Another address may ask for that host too.
  EXPECT_THAT(Get("/probe?target=frozen0", soon_).body, HasSubstr("\nprobe_success 0\n"));
  const std::string refused = greedy_.back()->Receive();
  EXPECT_THAT(refused, AllOf(HasSubstr("HTTP/1.1 503 "), HasSubstr("\r\nRetry-After: ")));
}

TEST_F(FrozenHosts, KeepNobodyWaitingThoughOneClientAsksForManyOfThem) {
  Start(20);
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(Get("/probe?target=here", soon_).body, HasSubstr("\nprobe_success 1\n"));
}

TEST_F(FrozenHosts, KeepNobodyWaitingThoughManyClientsAskForThem) {
  Start(3, 16);
  EXPECT_THAT(Get("/probe?target=here", soon_).body, HasSubstr("\nprobe_success 1\n"));
}

TEST_F(ProgramTest, AnswersThoughHundredsOfClientsSayNothing) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  const int port = std::atoi(url_.substr(url_.rfind(':') + 1).c_str());
  std::vector<std::unique_ptr<http::RawClient>> silent;
  for (int i = 0; i < 500; ++i) {
    silent.push_back(std::make_unique<http::RawClient>(port));
    if (i % 10 == 0) silent.back()->Send("POST /-/reload HTTP/1.1\r\nHost: ");
    if (i % 10 == 1)
      silent.back()->Send("POST /-/reload HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n");
  }
  http::RequestOptions soon;
  soon.timeout = seconds(1);
  for (const char* page : {"/metrics", "/-/healthy"}) {
    const auto answer = http::Client().Get(url_ + page, soon);  // a new connection
    ASSERT_TRUE(answer) << page << ": " << answer.error().message;
    EXPECT_EQ(answer->status, 200) << page;
  }
  EXPECT_THAT(Get("/probe?target=here").body, HasSubstr("\nprobe_success 1\n"))
      << "as slow as a login is";
}

TEST_F(ProgramTest, ProbesOnlyWhatTheSiteFileLists) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  EXPECT_EQ(Get("/probe").status, 400);
  EXPECT_EQ(Get("/probe?target=127.0.0.1").status, 400);
  EXPECT_EQ(Get("/probe?target=root%40here").status, 400);
  EXPECT_EQ(Get("/metrics").body.find("ssh_connects_total{result=\"success\"} 1"),
            std::string::npos);
}

TEST_F(ProgramTest, TellsWhatAProbeFoundAndWhyItFails) {
  const ssh::TestingSshd sshd;
  const ssh::TestingSshd stranger;
  WriteSite(sshd, "  away: {address: 127.0.0.1, port: 1}\n  other: {address: 127.0.0.1, port: " +
                      std::to_string(stranger.Target().port) + "}\n");
  Start();
  const auto good = Get("/probe?target=here&debug=true");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.Header("content-type"), "text/plain; charset=utf-8");
  EXPECT_THAT(good.body, ContainsRegex("connection +opened "));
  EXPECT_THAT(good.body, ContainsRegex("host key +known +[0-9.]+ s +ssh-ed25519 SHA256:"));
  EXPECT_THAT(good.body, ContainsRegex("login +accepted "));
  EXPECT_THAT(good.body, ContainsRegex("helper +started +- +sent over the connection"));
  EXPECT_THAT(good.body, ContainsRegex("checks +complete "));
  EXPECT_THAT(good.body, ContainsRegex("ports +complete "));
  EXPECT_THAT(good.body, HasSubstr("\nResult: success\n"));
  EXPECT_THAT(good.body, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(good.body, Not(HasSubstr("password")));
  EXPECT_THAT(good.body, Not(HasSubstr(sshd.Target().identity_file)));
  EXPECT_THAT(Get("/probe?target=here&debug=true").body, ContainsRegex("connection +kept "));
  const auto away = Get("/probe?target=away&debug=true");
  EXPECT_THAT(away.body, ContainsRegex("connection +failed "));
  EXPECT_THAT(away.body, ContainsRegex("\nResult: failed, connect: .*refused"));
  const auto other = Get("/probe?target=other&debug=true");
  EXPECT_THAT(other.body, ContainsRegex("host key +refused +[0-9.]+ s +ssh-ed25519 SHA256:"));
  EXPECT_THAT(other.body, HasSubstr("Result: failed, host_key: "));
  EXPECT_THAT(Get("/probe?target=other&debug=true").body, ContainsRegex("connection +not tried "));
  EXPECT_EQ(Get("/probe?target=nobody&debug=true").status, 400);
  EXPECT_EQ(Get("/probe?target=here&debug=1").status, 400);
  EXPECT_THAT(Get("/probe?target=here&debug=false").body, Not(HasSubstr("Result: ")));
}

TEST_F(ProgramTest, TakesItsDeadlineFromTheScrape) {
  const ssh::TestingSshd sshd("ForceCommand sleep 30");
  WriteSite(sshd);
  Start();
  http::RequestOptions options;
  options.headers = {{"X-Prometheus-Scrape-Timeout-Seconds", "0.8"}};
  const auto begun = std::chrono::steady_clock::now();
  const auto probe = Get("/probe?target=here", options);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(4));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_probe_failure{reason=\"timeout\"} 1\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nprobe_timeout_seconds 0.55\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_collector_success{collector=\"files\"} 0\n"));
  EXPECT_THAT(probe.body, HasSubstr("\nmailhub_collector_success{collector=\"ports\"} 1\n"));
  EXPECT_THAT(probe.body, Not(HasSubstr("mailhub_file_exists{")));
}

TEST_F(ProgramTest, ReloadsForNoWebPage) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  WriteSite(sshd, "  other: {address: 127.0.0.1, port: 1}\n");
  const std::string reload = url_ + "/-/reload";
  for (const char* origin : {"http://elsewhere.example.org", "null", ""}) {
    const http::RequestOptions of_a_page{.headers = {{"Origin", origin}}};
    const auto refused = client_.Post(reload, "", "text/plain", of_a_page);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403) << origin;
  }
  EXPECT_THAT(Get("/sd").body, Not(HasSubstr("\"other\"")));
  const auto taken = client_.Post(reload, "", "text/plain");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->status, 200);
  EXPECT_THAT(Get("/sd").body, HasSubstr("\"other\""));
}

TEST_F(ProgramTest, KeepsTheOldSiteFileWhenTheNewOneIsWrong) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  std::ofstream(SiteFile(), std::ios::app) << "groups: {hubs: [nobody]}\n";
  kill(program_->pid(), SIGHUP);
  EXPECT_TRUE(Eventually("/metrics", "config_last_reload_successful 0"));
  EXPECT_THAT(Get("/probe?target=here").body, HasSubstr("\nprobe_success 1\n"));
  auto reload = client_.Post(url_ + "/-/reload", "", "text/plain");
  ASSERT_TRUE(reload);
  EXPECT_EQ(reload->status, 500);
  EXPECT_THAT(reload->body, HasSubstr("no host \"nobody\""));
  WriteSite(sshd, "  other: {address: 127.0.0.1, port: 1}\n");
  kill(program_->pid(), SIGHUP);
  EXPECT_TRUE(Eventually("/metrics", "config_last_reload_successful 1"));
  EXPECT_THAT(Get("/sd").body, HasSubstr("\"other\""));
  EXPECT_THAT(Get("/probe?target=other").body,
              HasSubstr("\nmailhub_probe_failure{reason=\"connect\"} 1\n"));
  EXPECT_THAT(Get("/probe?target=here").body, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(Get("/metrics").body, HasSubstr("ssh_connects_total{result=\"success\"} 1\n"))
      << "the host that did not change keeps its session";
}

TEST_F(ProgramTest, EndsWithinTwoSecondsThoughAProbeHangs) {
  const ssh::TestingSshd sshd("ForceCommand sleep 30");
  WriteSite(sshd);
  Start();
  std::jthread scrape([url = url_] {
    http::Client client;
    static_cast<void>(client.Get(url + "/probe?target=here"));
  });
  ASSERT_TRUE(Eventually("/metrics", "ssh_sessions 1"));
  const auto begun = std::chrono::steady_clock::now();
  kill(program_->pid(), SIGTERM);
  EXPECT_EQ(program_->AwaitExit(seconds(20)), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2'500));
}

TEST_F(ProgramTest, ChecksASiteFileAndNamesTheMistake) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  TestingProcess good(MAILHUB_EXPORTER, {"--config.check", "--config.file", SiteFile()});
  EXPECT_EQ(good.AwaitExit(seconds(20)), 0);
  WriteSite(sshd, "  bad: {adress: 127.0.0.1}\n");
  TestingProcess bad(MAILHUB_EXPORTER, {"--config.check", "--config.file", SiteFile()});
  std::string said;
  EXPECT_TRUE(bad.WaitFor("\n", &said));
  EXPECT_THAT(said, HasSubstr("site.yml:10:9: hosts.bad.adress: unknown key"));
  EXPECT_EQ(bad.AwaitExit(seconds(20)), 1);
}

TEST_F(ProgramTest, ChecksWhoMayAskToo) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  const auto check = [&](std::vector<std::string> more, int status) {
    std::vector<std::string> words{"--config.check", "--config.file", SiteFile()};
    words.insert(words.end(), more.begin(), more.end());
    TestingProcess program(MAILHUB_EXPORTER, words);
    std::string said;
    EXPECT_TRUE(program.WaitFor("\n", &said));
    EXPECT_EQ(program.AwaitExit(seconds(20)), status) << said;
    return said;
  };
  EXPECT_THAT(check({}, 0), Not(HasSubstr("careful")));
  EXPECT_THAT(check({"--web.listen-address", ":9715"}, 0),
              HasSubstr("careful: every client that reaches :9715 may ask"));
  EXPECT_THAT(check({"--web.listen-address", "somewhere"}, 1), HasSubstr("somewhere"));
  const std::string web = (folder_ / "web.yml").string();
  std::ofstream(web) << "basic_auth_users: {a: b}\n";
  EXPECT_THAT(check({"--web.config.file", web}, 1), HasSubstr("web.yml:1:23"));
  std::ofstream(web) << "basic_auth_users: {a: " << std::string(kSomeHash) << "}\n";
  EXPECT_THAT(check({"--web.listen-address", ":9715", "--web.config.file", web}, 0),
              Not(HasSubstr("careful")));
}

TEST_F(ProgramTest, DoesNotStartWithoutItsOwnFiles) {
  const ssh::TestingSshd sshd;
  const auto expect = [&](const std::string& known_hosts, const std::string& key,
                          const std::string& wrong) {
    std::ofstream(SiteFile()) << "ssh: {user: root, known_hosts: " << known_hosts
                              << ", exporter_key: " << key
                              << "}\nhosts: {a: {address: 10.0.0.1}}\n";
    TestingProcess program(MAILHUB_EXPORTER, {"--config.check", "--config.file", SiteFile()});
    std::string said;
    EXPECT_TRUE(program.WaitFor("\n", &said));
    EXPECT_THAT(said, AllOf(HasSubstr("site.yml:1:"), HasSubstr(wrong)));
    EXPECT_EQ(program.AwaitExit(seconds(20)), 1);
  };
  const auto target = sshd.Target();
  expect(target.known_hosts_file, "/no/such/key", "/no/such/key: No such file");
  expect("/no/known_hosts", target.identity_file, "/no/known_hosts: No such file");
  expect(target.known_hosts_file, target.known_hosts_file, "it is none");
}

TEST_F(ProgramTest, SaysOnceThatAHostsProbeBeganToFail) {
  const ssh::TestingSshd sshd;
  WriteSite(sshd, "  other: {address: 127.0.0.1, port: 1}\n");
  Start();
  for (int i = 0; i < 3; ++i) Get("/probe?target=other");
  Get("/probe?target=here");
  kill(program_->pid(), SIGTERM);
  std::string log;
  EXPECT_TRUE(program_->WaitFor("msg=\"Ending\"", &log));
  const size_t first = log.find("msg=\"Probe failed\" host=other reason=connect why=");
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("Probe failed", first + 20), std::string::npos) << log;
}

TEST_F(ProgramTest, AsksItselfWhetherItIsHealthy) {
  TestingProcess nobody(MAILHUB_EXPORTER, {"--check-health", "http://127.0.0.1:1/-/healthy"});
  EXPECT_TRUE(nobody.WaitFor("127.0.0.1:1"));
  EXPECT_EQ(nobody.AwaitExit(seconds(20)), 1);
  const ssh::TestingSshd sshd;
  WriteSite(sshd);
  Start();
  TestingProcess good(MAILHUB_EXPORTER, {"--check-health", url_ + "/-/healthy"});
  EXPECT_EQ(good.AwaitExit(seconds(20)), 0);
  TestingProcess other(MAILHUB_EXPORTER, {"--check-health", url_ + "/no/such/page"});
  EXPECT_TRUE(other.WaitFor(" answers 404: "));
  EXPECT_EQ(other.AwaitExit(seconds(20)), 1);
}

TEST_F(ProgramTest, RefusesFlagsItDoesNotKnow) {
  TestingProcess program(MAILHUB_EXPORTER, {"--config.fiel", "x"});
  EXPECT_EQ(program.AwaitExit(seconds(20)), 2);
  TestingProcess level(MAILHUB_EXPORTER, {"--log.level", "loud"});
  EXPECT_EQ(level.AwaitExit(seconds(20)), 2);
  TestingProcess version(MAILHUB_EXPORTER, {"--version"});
  EXPECT_TRUE(version.WaitFor(" (revision "));
  EXPECT_EQ(version.AwaitExit(seconds(20)), 0);
}

}  // namespace
}  // namespace mailhub::exporter
