#include "actuator/settings/settings.h"

#include <gtest/gtest.h>

#include "actuator/settings/matcher.h"
#include "lib/base/printable.h"

namespace mailhub::settings {
namespace {

constexpr const char* kSmallest = R"(site: site.yml
runbooks: runbooks
journal: /var/lib/mailhub-actuator/journal.db
prometheus: {url: "http://127.0.0.1:9090/"}
)";

std::string WhyNot(const std::string& text) {
  const auto settings = ParseSettings(text, "/etc/mailhub/actuator.yml");
  if (settings) return "accepted";
  EXPECT_EQ(settings.error().kind, ErrorKind::kInvalid);
  return settings.error().message;
}

std::string WhyNotTrigger(const std::string& trigger) {
  return WhyNot(std::string(kSmallest) + "triggers:\n" + trigger);
}

TEST(Settings, TheSmallestFileHasDefaultsForTheRest) {
  const auto settings = ParseSettings(kSmallest, "/etc/mailhub/actuator.yml");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->site_file, "/etc/mailhub/site.yml");
  EXPECT_EQ(settings->runbooks_directory, "/etc/mailhub/runbooks");
  EXPECT_EQ(settings->fixed.journal, "/var/lib/mailhub-actuator/journal.db");
  EXPECT_EQ(settings->fixed.prometheus.url, "http://127.0.0.1:9090");
  EXPECT_EQ(settings->fixed.web.listen_addresses, std::vector<std::string>{"127.0.0.1:9110"});
  EXPECT_EQ(settings->fixed.first_mode, engine::Mode::kActive);
  EXPECT_TRUE(settings->engine.triggers.empty());
}

TEST(Settings, RolesOfLoginsAreReadAndChecked) {
  const auto read = [](const std::string& web) {
    return ParseSettings(
        "site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://127.0.0.1:1'}\nweb: {" + web +
            "}\n",
        "/etc/a.yml");
  };
  const auto settings =
      read("config_file: w, roles: {olaf: operator, vera: [viewer], anna: [operator, approver]}");
  ASSERT_TRUE(settings) << settings.error().message;
  using engine::Role;
  EXPECT_EQ(settings->fixed.web.roles.at("olaf"), engine::Roles{Role::kOperator});
  EXPECT_EQ(settings->fixed.web.roles.at("vera"), engine::Roles{Role::kViewer});
  EXPECT_EQ(settings->fixed.web.roles.at("anna"),
            (engine::Roles{Role::kOperator, Role::kApprover}));
  for (const auto& [wrong, why] : std::vector<std::pair<std::string, std::string>>{
           {"roles: {olaf: operator}", "config_file"},
           {"config_file: w, roles: {olaf: root}", "expected viewer, operator or approver"},
           {"config_file: w, roles: {olaf: [viewer, operator]}", "expected viewer alone"},
           {"config_file: w, roles: {approver: operator}", "a role's word"},
           {"config_file: w, roles: [olaf]", "expected a map from logins to roles"}}) {
    const auto refused = read(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
  }
}

TEST(Settings, EveryKeyIsRead) {
  const auto settings = ParseSettings(R"(
site: ../site.yml
runbooks: /usr/share/mailhub/runbooks
journal: journal.db
mode: observe
web: {listen_address: ["[::1]:1", "127.0.0.1:2"], config_file: web.yml, token_file: t1}
webhook: {token_file: t2}
prometheus:
  url: https://prometheus.example:9090
  ca_file: ca.pem
  basic_auth: {username: actuator, password_file: p}
  timeout: 3s
limits: {unfinished_runs: 7, open_episodes: 8, waiting_requests: 9, connections: 10, patience: 3m,
         keep_decisions: 90d, keep_runs: 5y}
poll: {step: 100ms, job: 1s, gate: 200ms, retry: 300ms}
triggers:
  - name: memory
    match: ['alertname="DirectoryMemoryHigh"', 'instance=~"x.*"']
    runbook: directory-restart
    parameters: {quiet_idle: 0.8}
    parameters_from_labels: {first: instance}
    only_if: up == 1
    cooldown: 1h
    on_resolved: cancel
)",
                                      "/etc/mailhub/actuator.yml");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->site_file, "/etc/site.yml");
  EXPECT_EQ(settings->fixed.journal, "/etc/mailhub/journal.db");
  EXPECT_EQ(settings->fixed.first_mode, engine::Mode::kObserve);
  EXPECT_EQ(settings->fixed.web.listen_addresses,
            (std::vector<std::string>{"[::1]:1", "127.0.0.1:2"}));
  EXPECT_EQ(settings->fixed.web.config_file, "/etc/mailhub/web.yml");
  EXPECT_EQ(settings->fixed.web.api_token_file, "/etc/mailhub/t1");
  EXPECT_EQ(settings->fixed.webhook_token_file, "/etc/mailhub/t2");
  EXPECT_EQ(settings->fixed.keep_decisions, Seconds(90 * 86'400));
  EXPECT_EQ(settings->fixed.keep_runs, Seconds(5 * 365 * 86'400));
  EXPECT_EQ(settings->fixed.prometheus.ca_file, "/etc/mailhub/ca.pem");
  EXPECT_EQ(settings->fixed.prometheus.basic_user, "actuator");
  EXPECT_EQ(settings->fixed.prometheus.basic_password_file, "/etc/mailhub/p");
  EXPECT_EQ(settings->fixed.prometheus.timeout, Milliseconds(3'000));
  EXPECT_EQ(settings->fixed.most_waiting, 9u);
  EXPECT_EQ(settings->fixed.most_connections, 10);
  EXPECT_EQ(settings->engine.most_unfinished_runs, 7u);
  EXPECT_EQ(settings->engine.most_episodes, 8u);
  EXPECT_EQ(settings->engine.patience, std::chrono::minutes(3));
  EXPECT_EQ(settings->engine.poll_step, Milliseconds(100));
  EXPECT_EQ(settings->engine.poll_job, Milliseconds(1'000));
  EXPECT_EQ(settings->engine.poll_gate, Milliseconds(200));
  EXPECT_EQ(settings->engine.remote_retry, Milliseconds(300));
  ASSERT_EQ(settings->engine.triggers.size(), 1u);
  const engine::Trigger& trigger = settings->engine.triggers[0];
  EXPECT_EQ(trigger.name, "memory");
  ASSERT_EQ(trigger.matchers.size(), 2u);
  EXPECT_EQ(trigger.matchers[1].op, engine::Matcher::Op::kRegex);
  EXPECT_EQ(trigger.parameters.at("quiet_idle"), "0.8");
  EXPECT_EQ(trigger.parameters_from_labels.at("first"), "instance");
  EXPECT_EQ(trigger.only_if, "up == 1");
  EXPECT_EQ(trigger.cooldown, Milliseconds(3'600'000));
  EXPECT_EQ(trigger.on_resolved, engine::OnResolved::kCancel);
  EXPECT_EQ(settings->triggers[0].at.Where(), "/etc/mailhub/actuator.yml:17:5");
}

TEST(Settings, MistakesHaveTheirPlace) {
  EXPECT_EQ(WhyNot(std::string(kSmallest) + "jornal: x\n").substr(0, 35),
            "/etc/mailhub/actuator.yml:5:1: jorn");
  EXPECT_NE(WhyNot("runbooks: r\njournal: j\nprometheus: {url: 'http://x'}\n").find("site"),
            std::string::npos);
  EXPECT_NE(WhyNot("site: s\nrunbooks: r\njournal: j\n").find("prometheus"), std::string::npos);
  EXPECT_NE(WhyNot("site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'ftp://x'}\n")
                .find("4:19: prometheus.url: expected a URL"),
            std::string::npos);
  EXPECT_NE(WhyNot("site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://'}\n")
                .find("4:19: prometheus.url: expected a URL"),
            std::string::npos);
  EXPECT_NE(WhyNot(std::string(kSmallest) + "mode: asleep\n").find("5:7: mode: expected active"),
            std::string::npos);
  EXPECT_NE(WhyNot(std::string(kSmallest) + "limits: {unfinished_runs: 0}\n").find("5:27"),
            std::string::npos);
  EXPECT_NE(WhyNot(std::string(kSmallest) + "limits: {keep_runs: 23h}\n")
                .find("5:21: limits.keep_runs: shorter than 1d"),
            std::string::npos);
  EXPECT_NE(WhyNot(std::string(kSmallest) + "poll: {gate: 1ms}\n").find("shorter than 10ms"),
            std::string::npos);
  EXPECT_NE(WhyNot("[]"), "accepted");
  EXPECT_NE(WhyNot(""), "accepted");
}

TEST(Settings, TriggersAreChecked) {
  EXPECT_EQ(WhyNotTrigger("  - {name: a, match: ['a=\"b\"'], runbook: r}\n"), "accepted");
  for (const auto& [trigger, part] : std::vector<std::pair<std::string, std::string>>{
           {"  - {match: ['a=\"b\"'], runbook: r}\n", "name"},
           {"  - {name: a, runbook: r}\n", "match"},
           {"  - {name: a, match: [], runbook: r}\n", "at least one matcher"},
           {"  - {name: a, match: 'a=\"b\"', runbook: r}\n", "at least one matcher"},
           {"  - {name: a, match: ['b'], runbook: r}\n", "6:23"},
           {"  - {name: a, match: ['a=\"b\"']}\n", "runbook"},
           {"  - {name: a, match: ['a=\"b\"'], runbook: r, on_resolved: stop}\n",
            "finish or cancel"},
           {"  - {name: a, match: ['a=\"b\"'], runbook: r, colour: red}\n", "colour"},
           {"  - {name: a, match: ['a=\"b\"'], runbook: r, parameters: {p: 1},"
            " parameters_from_labels: {p: l}}\n",
            "fixed value"},
           {"  - {name: a, match: ['a=\"b\"'], runbook: r}\n"
            "  - {name: a, match: ['a=\"b\"'], runbook: r}\n",
            "another trigger"},
           {"  name: a\n", "list of triggers"}}) {
    EXPECT_NE(WhyNotTrigger(trigger).find(part), std::string::npos)
        << trigger << WhyNotTrigger(trigger);
  }
}

TEST(Matcher, AlertmanagersSpellingsAreRead) {
  using Op = engine::Matcher::Op;
  const auto check = [](const char* text, const char* label, Op op, const char* value) {
    const auto matcher = ParseMatcher(text);
    ASSERT_TRUE(matcher) << matcher.error().message;
    EXPECT_EQ(matcher->label, label) << text;
    EXPECT_EQ(matcher->op, op) << text;
    EXPECT_EQ(matcher->value, value) << text;
  };
  check(R"(alertname="A b")", "alertname", Op::kEqual, "A b");
  check(R"( alertname != "A" )", "alertname", Op::kNotEqual, "A");
  check(R"(instance=~"mailhub\.[0-9]+")", "instance", Op::kRegex, R"(mailhub\.[0-9]+)");
  check(R"(i!~"a|b")", "i", Op::kNotRegex, "a|b");
  check("severity=critical", "severity", Op::kEqual, "critical");
  check(R"(a="say \"hi\"\\")", "a", Op::kEqual, R"(say "hi"\)");
  check(R"(a="")", "a", Op::kEqual, "");
  check("a=", "a", Op::kEqual, "");
}

TEST(Matcher, EverythingElseIsRefusedWithAnExample) {
  for (const std::string text : {"", "=", "alertname", "1a=\"b\"", "a=\"b", "a=\"b\"c", "a=b c",
                                 "a==\"b\"\"", "a=~\"[\"", "a~\"b\"", "a=\"b\\", "{a=\"b\"}"}) {
    const auto matcher = ParseMatcher(text);
    ASSERT_FALSE(matcher) << text;
    EXPECT_NE(matcher.error().message.find("expected one like"), std::string::npos);
  }
  EXPECT_FALSE(ParseMatcher("a=\"" + std::string(257, 'x') + "\""));
  EXPECT_FALSE(ParseMatcher(std::string(129, 'a') + "=b"));
  EXPECT_FALSE(ParseMatcher('"' + std::string(129, 'a') + "\"=b"));
}

TEST(Matcher, ARefusalQuotesNothingThatIsLongOrSteersATerminal) {
  for (const std::string& text :
       {std::string("\x1b[2J"), std::string(79, 'a') + "\xc3\xa4", std::string("a=~\"(\x1b\""),
        "a=~\"*" + std::string(250, '\xff') + "\""}) {
    const auto matcher = ParseMatcher(text);
    ASSERT_FALSE(matcher) << text;
    const std::string& message = matcher.error().message;
    EXPECT_EQ(message, Printable(message));
    EXPECT_LT(message.size(), 500U) << message;
  }
}

TEST(Matcher, NoLabelMakesARegularExpressionSlow) {
  const Result<engine::Matcher> matcher = ParseMatcher(R"(x=~"(a|aa)+(.*a)*b")");
  ASSERT_TRUE(matcher) << matcher.error().message;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(engine::Matches({*matcher}, {{"x", std::string(4096, 'a')}}));
  EXPECT_TRUE(engine::Matches({*matcher}, {{"x", std::string(4095, 'a') + "b"}}));
  EXPECT_FALSE(engine::Matches({*matcher}, {{"x", "ab\n"}})) << "anchored";
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  EXPECT_FALSE(ParseMatcher(R"x(x=~"((((a{100}){100}){100}){100})")x")) << "too large to compile";
}

}  // namespace
}  // namespace mailhub::settings
