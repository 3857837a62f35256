// Gates against a real Prometheus that scrapes a fake exporter five times a second: tests the
// freshness rules with samples that really lag, vanish or are old.
//
// Prometheus runs on a free loopback port with its own data directory and ends with the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "actuator/condition/gate_evaluator.h"
#include "actuator/runbook/library.h"
#include "lib/base/digest.h"
#include "lib/base/guarded.h"
#include "lib/http/server.h"

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;
using ::testing::HasSubstr;

constexpr Milliseconds kInterval{200};
constexpr Milliseconds kWindow{1'000};
constexpr Milliseconds kPatience{10'000};

struct FakeHost {
  std::string boot_id = "boot-1";
  SteadyTime booted;
  bool probe_works = true;
  bool collector_works = true;
  bool raw_series = true;
  double running = 1;
  int exporter_status = 200;
};

SteadyTime Now() {
  return RealClock().Steady();
}

// Metrics of any requested host, made at the moment of the scrape.
class FakeExporter {
 public:
  FakeExporter() : server_(http::ServerOptions{}) {
    server_.Handle("GET", "/probe", [this](const http::Request& request) {
      return Probe(request.Query("target").value_or(""));
    });
    EXPECT_TRUE(server_.Start());
  }
  void Set(const std::string& host, const std::function<void(FakeHost&)>& change) {
    hosts_.With([&](auto& hosts) { change(hosts[host]); });
  }
  // The mark that the host's runner would give right now.
  engine::Mark Mark(const std::string& host) {
    return hosts_.With([&](auto& hosts) {
      return engine::Mark{hosts[host].boot_id, ToSeconds(Now() - hosts[host].booted)};
    });
  }
  int Port() const { return server_.Port(); }

 private:
  http::Response Probe(const std::string& name) {
    const FakeHost host = hosts_.With([&](auto& hosts) { return hosts[name]; });
    if (host.exporter_status != 200) return http::TextResponse(host.exporter_status, "away");
    std::string text = "probe_success " + std::to_string(host.probe_works ? 1 : 0) + "\n";
    if (host.probe_works) {
      const std::string works = host.collector_works ? "1" : "0";
      text += "mailhub_host_uptime_seconds " + std::to_string(ToSeconds(Now() - host.booted)) +
              "\nmailhub_host_info{boot_id=\"" + host.boot_id + "\",platform=\"linux\"} 1\n" +
              "mailhub_collector_success{collector=\"host\"} 1\n" +
              "mailhub_collector_success{collector=\"services\"} 1\n" +
              "mailhub_collector_success{collector=\"processes\"} " + works + "\n" +
              "mailhub_service_state{name=\"s\",state=\"active\"} 1\n" +
              "mailhub_process_running{process=\"d\"} " + std::to_string(host.running) + "\n";
      if (host.raw_series) {
        text += "mailhub_host_cpu_seconds_total{mode=\"idle\"} " +
                std::to_string(ToSeconds(Now() - host.booted)) + "\nmailhub_host_cpus 1\n";
      }
    }
    return http::TextResponse(200, text);
  }

  Guarded<std::map<std::string, FakeHost>> hosts_;
  http::Server server_;
};

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  close(fd);
  return ntohs(address.sin_port);
}

constexpr char kConfig[] = R"(
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [rules.yml]
scrape_configs:
  - job_name: mailhub
    metrics_path: /probe
    static_configs: [{targets: [server, other, win]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__address__], target_label: instance}
      - {target_label: __address__, replacement: "127.0.0.1:PORT"}
)";
constexpr char kRules[] = R"(
groups:
  - name: recorded
    rules:
      - record: instance:idle:rate
        expr: rate(mailhub_host_cpu_seconds_total{mode="idle"}[5s]) / on(instance) mailhub_host_cpus
)";

// Owns the process and its directory.
class RealPrometheus {
 public:
  explicit RealPrometheus(int exporter_port) {
    directory_ = ::testing::TempDir() + "/prometheus-" + RandomHex(64);
    std::filesystem::create_directories(directory_);
    std::string config = kConfig;
    config.replace(config.find("PORT"), 4, std::to_string(exporter_port));
    std::ofstream(directory_ + "/prometheus.yml") << config;
    std::ofstream(directory_ + "/rules.yml") << kRules;
    Start();
  }
  ~RealPrometheus() {
    Kill();
    std::filesystem::remove_all(directory_);
  }
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void Stop() {
    kill(pid_, SIGSTOP);
    waitpid(pid_, nullptr, WUNTRACED);  // its threads do not all stop at once
  }
  void Continue() { kill(pid_, SIGCONT); }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  void Start() {
    port_ = FreePort();
    const std::string config = "--config.file=" + directory_ + "/prometheus.yml";
    const std::string data = "--storage.tsdb.path=" + directory_ + "/data";
    const std::string listen = "--web.listen-address=127.0.0.1:" + std::to_string(port_);
    const std::string log = directory_ + "/log";
    pid_ = fork();
    if (pid_ == 0) {
      if (freopen(log.c_str(), "w", stderr) == nullptr) _exit(126);
      execlp("prometheus", "prometheus", config.c_str(), data.c_str(), listen.c_str(),
             static_cast<char*>(nullptr));
      _exit(127);
    }
    http::Client client;
    const SteadyTime deadline = Now() + kPatience;
    while (Now() < deadline) {
      const auto ready = client.Get(Url() + "/-/ready");
      if (ready && ready->Succeeded()) return;
      std::this_thread::sleep_for(Milliseconds(20));
    }
    ADD_FAILURE() << "prometheus did not become ready; see " << log;
  }

  std::string directory_;
  int port_ = 0;
  pid_t pid_ = 0;
};

class RealGate : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    exporter_ = new FakeExporter;
    for (const std::string host : {"server", "other", "win"}) {
      exporter_->Set(host, [](FakeHost& fake) { fake.booted = Now() - Milliseconds(5'000'000); });
    }
    prometheus_ = new RealPrometheus(exporter_->Port());
  }
  static void TearDownTestSuite() {
    delete prometheus_;
    delete exporter_;
  }

  void SetUp() override {
    exporter_->Set("server", [](FakeHost& host) {
      const SteadyTime booted = host.booted;
      const std::string boot_id = host.boot_id;
      host = FakeHost{};
      host.booted = booted;
      host.boot_id = boot_id;
    });
    GateOptions options;
    options.prometheus.url = prometheus_->Url();
    options.prometheus.timeout = Milliseconds(1'000);
    gates_ = std::make_unique<GateEvaluator>(options, &clock_);
    question_ = Question("mailhub_process_running{instance=\"server\",process=\"d\"} == 1");
    // Every test begins with a window in order.
    question_.marks = {{"server", Past("server")}};
    Await(GateState::kOpen);
  }

  engine::GateQuestion Question(const std::string& expr) {
    engine::GateQuestion question;
    question.gate.expr = expr;
    question.gate.about = {"server"};
    question.gate.window = kWindow;
    question.marks = {{"server", exporter_->Mark("server")}};
    return question;
  }

  // A state's evidence must be from after the gate began, which is now.
  void BeginState() {
    question_.gate.window = Milliseconds(0);
    began_ = Now();
    question_.marks["server"] = exporter_->Mark("server");
  }
  GateReading AskNow() {
    if (began_) question_.waited = Now() - *began_;
    return gates_->Ask(question_);
  }

  // A mark from before the window.
  static engine::Mark Past(const std::string& host) {
    engine::Mark mark = exporter_->Mark(host);
    mark.uptime_s = std::max(0.0, mark.uptime_s - 10);
    return mark;
  }

  // Asks until the state is reached; returns the time it waited.
  Milliseconds Await(GateState state, const std::string& why = "") {
    const SteadyTime began = Now();
    GateReading reading;
    while (Now() < began + kPatience) {
      reading = AskNow();
      if (reading.state == state && reading.why.find(why) != std::string::npos) {
        return Now() - began;
      }
      std::this_thread::sleep_for(Milliseconds(10));
    }
    ADD_FAILURE() << "state " << static_cast<int>(reading.state) << ": " << reading.why;
    return kPatience;
  }

  static FakeExporter* exporter_;
  static RealPrometheus* prometheus_;
  RealClock clock_;
  std::unique_ptr<GateEvaluator> gates_;
  engine::GateQuestion question_;
  std::optional<SteadyTime> began_;  // of a gate about a state
};

FakeExporter* RealGate::exporter_ = nullptr;
RealPrometheus* RealGate::prometheus_ = nullptr;

TEST_F(RealGate, IsShutByATrueConditionUntilTheWholeWindowIsAfterTheMark) {
  question_.marks["server"] = exporter_->Mark("server");
  const GateReading first = gates_->Ask(question_);
  EXPECT_EQ(first.state, GateState::kStale) << "the condition was true all along";
  EXPECT_EQ(first.value, 1.0);
  const Milliseconds waited = Await(GateState::kOpen);
  // The first sample after the mark is up to one interval old when the window begins with it.
  EXPECT_GE(waited, kWindow - kInterval - Milliseconds(50));
  EXPECT_LE(waited, kWindow + 3 * kInterval);
  RecordProperty("opened_after_ms", static_cast<int>(waited.count()));
}

TEST_F(RealGate, SeesWhatChangedAfterTheMarkOnly) {
  exporter_->Set("server", [](FakeHost& host) { host.running = 0; });
  question_.marks["server"] = exporter_->Mark("server");
  const SteadyTime began = Now();
  while (Now() < began + kWindow + 3 * kInterval) {
    const GateReading reading = gates_->Ask(question_);
    ASSERT_NE(reading.state, GateState::kOpen) << "opened on the samples from before the stop";
    std::this_thread::sleep_for(Milliseconds(10));
  }
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kFalse);
}

// Without a window: the whole query is Prometheus's, times of samples included.
TEST_F(RealGate, OfAStateOpensOnTheFirstScrapeAfterTheMark) {
  BeginState();
  const GateReading first = AskNow();
  EXPECT_EQ(first.state, GateState::kStale) << "the condition was true all along";
  EXPECT_THAT(first.why, HasSubstr("the newest scrape of server began "));
  EXPECT_LT(Await(GateState::kOpen), kWindow);
}

TEST_F(RealGate, OfAStateSeesWhatChangedAfterTheMarkOnly) {
  for (int change = 0; change < 5; ++change) {
    exporter_->Set("server", [](FakeHost& host) { host.running = 0; });
    BeginState();
    GateReading reading;
    do {
      reading = AskNow();
      ASSERT_NE(reading.state, GateState::kOpen) << "opened on a sample from before the stop";
      std::this_thread::sleep_for(Milliseconds(5));
    } while (reading.state != GateState::kFalse && Now() < *began_ + kPatience);
    EXPECT_EQ(reading.state, GateState::kFalse) << reading.why;
    exporter_->Set("server", [](FakeHost& host) { host.running = 1; });
    Await(GateState::kOpen);
  }
}

TEST_F(RealGate, OfAStateIsShutByWhatItsNewestScrapeLacks) {
  BeginState();
  exporter_->Set("server", [](FakeHost& host) { host.collector_works = false; });
  Await(GateState::kStale, "collector processes failed on server in its newest scrape");
  exporter_->Set("server", [](FakeHost& host) { host.probe_works = false; });
  Await(GateState::kStale, "a probe of server failed in its newest scrape");
  exporter_->Set("server", [](FakeHost& host) { host = FakeHost{.booted = host.booted}; });
  Await(GateState::kOpen);
}

TEST_F(RealGate, IsToldOfAReboot) {
  exporter_->Set("server", [](FakeHost& host) {
    host.boot_id += "x";
    host.booted = Now();
  });
  Await(GateState::kRebooted, "another boot id");
  question_.marks["server"] = exporter_->Mark("server");
  Await(GateState::kOpen);
}

TEST_F(RealGate, IsShutByAFailedProbeForAsLongAsTheWindowRemembersIt) {
  exporter_->Set("server", [](FakeHost& host) { host.probe_works = false; });
  Await(GateState::kStale);
  exporter_->Set("server", [](FakeHost& host) { host.probe_works = true; });
  Await(GateState::kStale, "a probe of server failed within the last 1s");
  EXPECT_GE(Await(GateState::kOpen), kWindow - 2 * kInterval);
}

TEST_F(RealGate, IsShutByAFailedCollectorThatItReads) {
  exporter_->Set("server", [](FakeHost& host) { host.collector_works = false; });
  Await(GateState::kStale, "collector processes failed on server");
  question_.gate.expr = "mailhub_service_state{instance=\"server\",state=\"active\"} == 1";
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kOpen) << "which another gate does not mind";
}

TEST_F(RealGate, IsShutWhileTheExporterIsAway) {
  exporter_->Set("server", [](FakeHost& host) { host.exporter_status = 503; });
  Await(GateState::kStale, "there is no current sample of server");
}

// A recorded rate still answers, with fresh timestamps, when its raw series are gone.
TEST_F(RealGate, IsShutWhereARecordingStillAnswers) {
  question_.gate.expr =
      "rate(mailhub_host_cpu_seconds_total{instance=\"server\",mode=\"idle\"}[1s]) "
      "/ on(instance) mailhub_host_cpus{instance=\"server\"} >= 0.5";
  // It lags for less than a second, which a busy machine may miss.
  bool lags = false;
  for (int attempt = 0; attempt < 20 && !lags; ++attempt) {
    exporter_->Set("server", [](FakeHost& host) { host.exporter_status = 200; });
    Await(GateState::kOpen);
    exporter_->Set("server", [](FakeHost& host) { host.exporter_status = 503; });
    Await(GateState::kStale);
    const auto recorded =
        gates_->Ask(engine::QueryQuestion{"instance:idle:rate{instance=\"server\"} >= 0.5"});
    ASSERT_TRUE(recorded.holds);
    lags = *recorded.holds;
  }
  EXPECT_TRUE(lags) << "the recording should lag here, or this test shows nothing";
  question_.gate.expr = "instance:idle:rate{instance=\"server\"} >= 0.5";
  const GateReading refused = gates_->Ask(question_);
  EXPECT_EQ(refused.state, GateState::kInvalid);
  EXPECT_THAT(refused.why, HasSubstr("recorded name"));
}

TEST_F(RealGate, DemandsThatForWasFilledAndSurvivesTheAskersRestart) {
  question_.gate.hold_for = Milliseconds(1'000);
  Await(GateState::kOpen);
  exporter_->Set("server", [](FakeHost& host) { host.running = 0; });
  Await(GateState::kFalse);
  exporter_->Set("server", [](FakeHost& host) { host.running = 1; });
  const SteadyTime back = Now();
  Await(GateState::kFalse, "has not held for all of the last 1s");
  GateOptions options;
  options.prometheus.url = prometheus_->Url();
  gates_ = std::make_unique<GateEvaluator>(options, &clock_);
  Await(GateState::kOpen);
  EXPECT_GE(Now() - back, question_.gate.hold_for - kInterval);
  EXPECT_LE(Now() - back, question_.gate.hold_for + 4 * kInterval);
}

TEST_F(RealGate, CountsSeriesExactly) {
  question_.gate.expr = "mailhub_process_running{instance=~\"server|other\"} == 1";
  question_.gate.about = {"server", "other"};
  question_.marks["other"] = Past("other");
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kFalse);
  question_.gate.expect = 2;
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kOpen);
}

TEST_F(RealGate, BelievesAHostWithoutMarksOnceTheWindowIsAfterItsBeginning) {
  question_ = Question("mailhub_service_state{instance=\"win\",state=\"active\"} == 1");
  question_.gate.about = {};
  question_.marks = {};
  question_.waited = kWindow - Milliseconds(1);
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kStale);
  question_.waited = kWindow;
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kOpen);
}

TEST_F(RealGate, LeavesTheFinalWordOnPromQLToPrometheus) {
  question_.gate.expr = "sum(mailhub_host_cpus) by by (instance) == 1";
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kInvalid);
  question_.gate.expr = "no_such_function(mailhub_host_cpus) == 1";
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kInvalid);
  // A comment at the end is allowed.
  question_.gate.expr = "mailhub_host_cpus{instance=\"server\"} == 1 # one";
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kOpen) << gates_->Ask(question_).why;
}

// Every gate of the shipped runbooks is PromQL, and so are its two sides, which people see.
TEST_F(RealGate, TakesEveryGateOfTheShippedRunbooks) {
  auto site = config::LoadSite(MAILHUB_SOURCE_DIR "/tests/lab/config/site.yml");
  ASSERT_TRUE(site) << site.error().message;
  auto library =
      runbook::RunbookLibrary::Load(MAILHUB_SOURCE_DIR "/actuator/runbooks",
                                    std::make_shared<const config::Site>(std::move(*site)));
  ASSERT_TRUE(library) << library.error().message;
  const auto plan = (*library)->Make("mailhub-rebuild", {{"mailhub", "mailhub2"}});
  ASSERT_TRUE(plan) << plan.error().message;
  PrometheusOptions options;
  options.url = prometheus_->Url();
  Prometheus prometheus(options);
  std::set<std::string> seen;
  for (const auto& step : plan->steps) {
    if (!step.gate || !seen.insert(step.gate->expr).second) continue;
    engine::GateQuestion question{*step.gate, {{"x500", {}}}, {}};
    const auto expression = ReadGateExpression(step.gate->expr);
    ASSERT_TRUE(expression);
    Evidence evidence = NeededEvidence(question, *expression);
    SpanEvidence(question.gate, &evidence);
    const auto answer = prometheus.Query(EvidenceQuery(question, *expression, evidence, {}, true));
    EXPECT_TRUE(answer) << step.path << " " << step.gate->expr << ": " << answer.error().message;
  }
  EXPECT_GE(seen.size(), 15u);
}

// Last: afterwards Prometheus is gone.
TEST_F(RealGate, zSaysThatPrometheusDoesNotAnswer) {
  prometheus_->Stop();
  const SteadyTime began = Now();
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kUnreachable);
  EXPECT_LE(Now() - began, Milliseconds(3'000));
  prometheus_->Continue();
  Await(GateState::kOpen);
  prometheus_->Kill();
  EXPECT_EQ(gates_->Ask(question_).state, GateState::kUnreachable);
}

}  // namespace
}  // namespace mailhub::condition
