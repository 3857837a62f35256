// The plan of a runbook: paths, commands, gates, order of hosts, owed steps. Every mistake in
// testdata/invalid-*.yml is reported with its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "actuator/runbook/library.h"
#include "actuator/runbook/testing_books.h"
#include "lib/base/printable.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing_books::Book;
using testing_books::Make;
using testing_books::Mistake;
using testing_books::Parse;
using testing_books::Paths;
using testing_books::Site;

constexpr char kLoop[] = R"(
parameters:
  first: {host_in: hubs, optional: true}
  pause: {type: duration, default: 90s}
  share: {type: number, default: 0.9, least: 0, greatest: 1}
steps:
  - name: Wake
    run: {on: server, use: wake}
    retry: {attempts: 3, delay: "{{pause}}"}
  - for_each: {host_in: hubs, first: "{{first}}", except: hub3}
    steps:
      - name: Start the client on {{host}}
        service: {on: "{{host}}", name: client, state: restarted}
      - name: Wait
        wait_for: rate(mailhub_host_cpu_seconds_total{instance="server"}[{{pause}}]) > {{ share }}
        about: [server, "{{host}}"]
        window: "{{pause}}"
)";

TEST(Runbook, GivesEveryStepAPathThatTellsBlockAndHost) {
  EXPECT_THAT(Paths(Make({Book(kLoop)})),
              ElementsAre("1", "2.hub1.1", "2.hub1.2", "2.hub2.1", "2.hub2.2"));
}

TEST(Runbook, PutsTheHostThatIsFirstFirstAndKeepsTheOthersOrder) {
  EXPECT_THAT(Paths(Make({Book(kLoop)}, {{"first", "hub2"}})),
              ElementsAre("1", "2.hub2.1", "2.hub2.2", "2.hub1.1", "2.hub1.2"));
}

TEST(Runbook, FillsParametersInAndRecordsThemWithTheirDefaults) {
  const auto plan = Make({Book(kLoop)}, {{"pause", "120s"}});
  EXPECT_THAT(plan.parameters, ElementsAre(Pair("pause", "2m"), Pair("share", "0.9")));
  EXPECT_EQ(plan.steps[0].command, "/opt/wake now");
  EXPECT_EQ(plan.steps[0].attempts, 3);
  EXPECT_EQ(plan.steps[0].retry_delay, Milliseconds(120'000));
  EXPECT_EQ(plan.steps[1].name, "Start the client on hub1");
  const auto& gate = *plan.steps[2].gate;
  EXPECT_EQ(gate.expr, "rate(mailhub_host_cpu_seconds_total{instance=\"server\"}[2m]) > 0.9");
  EXPECT_THAT(gate.about, ElementsAre("hub1", "server"));
  EXPECT_EQ(gate.window, Milliseconds(120'000));
}

TEST(Runbook, NumbersThatAreEqualAreOneValue) {
  for (const char* written : {"0", "-0", "0.0", "0e5"}) {
    EXPECT_EQ(Make({Book(kLoop)}, {{"share", written}}).parameters.at("share"), "0") << written;
  }
}

TEST(Runbook, SaysWhichParameterIsWrongAndWhatWasExpected) {
  auto library = Parse({Book(kLoop)});
  ASSERT_TRUE(library);
  const auto wrong = [&](const std::string& name, const std::string& value) {
    auto plan = (*library)->Make("test", {{name, value}});
    return plan ? "accepted" : plan.error().message;
  };
  EXPECT_EQ(wrong("first", "server"),
            "runbook test: parameter first: expected a host of group hubs, found \"server\"");
  EXPECT_THAT(wrong("first", "hub1; reboot"), HasSubstr("expected a host of group hubs"));
  EXPECT_THAT(wrong("pause", "soon"), HasSubstr("parameter pause: \"soon\" is not a duration"));
  EXPECT_THAT(wrong("share", "0.9 or 1"), HasSubstr("is not a number"));
  EXPECT_THAT(wrong("share", "nan"), HasSubstr("is not a number"));
  EXPECT_THAT(wrong("share", "1.5"), HasSubstr("expected at most 1, found \"1.5\""));
  EXPECT_THAT(wrong("other", "1"), HasSubstr("has no parameter other"));
  EXPECT_EQ((*library)->Make("tset", {}).error().kind, ErrorKind::kNotFound);
}

TEST(Runbook, QuotesNothingOfAStrangersParametersThatIsLongOrSteersATerminal) {
  const auto library =
      Parse({Book("parameters: {wait: {type: duration, default: 1s},"
                  " size: {type: number, default: 1}}\n"
                  "steps: [{name: a, check: probe_success == 1, about: [hub1]}]\n")});
  ASSERT_TRUE(library) << library.error().message;
  const std::string strange = "\x1b[2J" + std::string(5'000, 'x');
  for (const std::map<std::string, std::string>& given :
       {std::map<std::string, std::string>{{strange, "1"}},
        {{"wait", strange}},
        {{"size", strange}}}) {
    const auto plan = (*library)->Make("test", given);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().message, Printable(plan.error().message));
    EXPECT_LT(plan.error().message.size(), 300U);
  }
}

TEST(Runbook, SendsServicesToTheRunnerWhichChecksTheirState) {
  const auto service = [](const std::string& host, const std::string& state) {
    return Make({Book("steps:\n  - name: s\n    service: {on: " + host +
                      ", name: client, state: " + state + "}\n")})
        .steps[0];
  };
  const auto started = service("hub1", "started");
  EXPECT_EQ(started.command, "@service client.service started systemd");
  EXPECT_TRUE(started.idempotent);
  EXPECT_EQ(service("hub1", "stopped").command, "@service client.service stopped systemd");
  EXPECT_FALSE(service("hub1", "restarted").idempotent);
  EXPECT_EQ(service("sun", "stopped").command, "@service client stopped sysv");
}

TEST(Runbook, LetsTheHostStartAServiceThatItStopped) {
  const auto plan = Make({Book(R"(
steps:
  - name: Stop
    service: {on: hub1, name: client, state: stopped}
    dead_man: {after: 30m, until: Sleep}
  - name: Sleep
    run: {on: server, command: sleep 1}
    dead_man: {restore: {use: wake}, after: 15m}
)")});
  ASSERT_TRUE(plan.steps[0].dead_man);
  EXPECT_EQ(plan.steps[0].dead_man->restore, "@service client.service started systemd");
  EXPECT_EQ(plan.steps[0].dead_man->after, Milliseconds(1'800'000));
  EXPECT_EQ(plan.steps[0].dead_man->until, "2");
  EXPECT_EQ(plan.steps[1].dead_man->restore, "/opt/wake now");
  EXPECT_EQ(plan.steps[1].dead_man->until, "");
}

TEST(Runbook, NamesCommandsAndServicesToAHostWhoseRunnerIsInstalled) {
  const auto plan = Make({Book(R"(
steps:
  - name: Stop
    service: {on: locked, name: client, state: stopped}
    dead_man: {after: 30m}
  - name: Wake
    run: {on: locked, use: wake}
    dead_man: {restore: {use: wake}, after: 15m}
  - name: Freely
    run: {on: locked, command: "true"}
)")});
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0].command, "@service client stopped");
  EXPECT_EQ(plan.steps[0].dead_man->restore, "@service client started");
  EXPECT_EQ(plan.steps[1].command, "@wake");
  EXPECT_EQ(plan.steps[1].dead_man->restore, "@wake");
  EXPECT_EQ(plan.steps[2].command, "true") << "the host decides whether it takes such";
}

TEST(Runbook, MakesAGateSpeakAboutEveryHostItReadsAndTheStepsOwn) {
  const auto plan = Make({Book(R"(
steps:
  - name: Wake
    run: {on: hub1, command: "true"}
    verify: mailhub_process_running{instance="server",process="daemon"} == 1
  - name: Look
    check: mailhub_service_state{instance="win",name="Mail",state="active"} == 1
)")});
  EXPECT_THAT(plan.steps[0].gate->about, ElementsAre("hub1", "server"));
  EXPECT_THAT(plan.steps[1].gate->about, IsEmpty()) << "a Windows host gives no mark";
}

TEST(Runbook, GivesAWindowOnlyToAGateThatLooksBackOrMustLast) {
  const auto plan = Make({Book(R"(
steps:
  - name: Newest
    check: mailhub_host_cpus{instance="server"} > 0
  - name: Lasting
    check: mailhub_host_cpus{instance="server"} > 0
    for: 2m
  - name: Named
    check: mailhub_host_cpus{instance="server"} > 0
    window: 30s
)")});
  EXPECT_EQ(plan.steps[0].gate->window, Milliseconds(0));
  EXPECT_EQ(plan.steps[1].gate->window, Milliseconds(60'000));
  EXPECT_EQ(plan.steps[2].gate->window, Milliseconds(30'000));
}

TEST(Runbook, MakesTheWindowAtLeastAsLongAsTheExpressionLooksBack) {
  const auto plan = Make({Book(R"(
steps:
  - name: Wait
    wait_for: rate(mailhub_host_cpu_seconds_total{instance="server"}[5m]) > 0.9
)")});
  EXPECT_EQ(plan.steps[0].gate->window, Milliseconds(300'000));
}

TEST(Runbook, CommitsAtTheFirstEffectUnlessItSaysAnother) {
  const std::string steps = R"(
steps:
  - name: Look
    check: mailhub_host_cpus{instance="server"} > 0
  - name: Wake
    run: {on: server, use: wake}
  - confirm: Go on with it?
)";
  EXPECT_EQ(Make({Book(steps)}).commit, "2");
  const auto plan = Make({Book("commit: Go on with it?" + steps)});
  EXPECT_EQ(plan.commit, "3");
  EXPECT_EQ(plan.steps[2].kind, engine::StepKind::kConfirm);
  EXPECT_EQ(plan.steps[2].name, "Go on with it?");
}

constexpr char kPart[] = R"(runbook: part
summary: Called
parameters:
  hub: {host_in: hubs}
  again: {host_in: hubs, optional: true}
lock: server
steps:
  - name: Stop on {{hub}}
    service: {on: "{{hub}}", name: client, state: stopped}
  - name: Start on {{hub}}
    service: {on: "{{hub}}", name: client, state: started}
always:
  - since: Stop on {{hub}}
    until: Start on {{hub}}
    name: Start in any case
    service: {on: "{{hub}}", name: client, state: started}
)";

constexpr char kCaller[] = R"(
parameters:
  which: {host_in: hubs, default: hub2}
  other: {host_in: hubs, optional: true}
lock: [server, backup]
target: "{{which}}"
expected: 2h
steps:
  - name: Once
    call: {runbook: part, parameters: {hub: "{{which}}", again: "{{other}}"}}
  - name: Twice
    call: {runbook: part, parameters: {hub: "{{which}}"}}
always:
  - since: Once
    until: Twice > Start on {{which}}
    name: Wake
    run: {on: server, use: wake}
)";

TEST(Runbook, InlinesCalledRunbooksWithTheirOwedSteps) {
  const auto plan = Make({Book(kCaller), kPart}, {{"which", "hub3"}});
  EXPECT_THAT(Paths(plan), ElementsAre("1.1", "1.2", "2.1", "2.2"));
  EXPECT_EQ(plan.target, "hub3");
  EXPECT_THAT(plan.locks, ElementsAre("backup", "server"));
  EXPECT_EQ(plan.expected, Milliseconds(7'200'000));
  ASSERT_EQ(plan.always.size(), 3u);
  EXPECT_EQ(plan.always[0].step.path, "1.always.1");
  EXPECT_EQ(plan.always[0].since, "1.1");
  EXPECT_EQ(plan.always[0].until, "1.2");
  EXPECT_EQ(plan.always[1].since, "2.1");
  EXPECT_EQ(plan.always[2].step.path, "always.1");
  EXPECT_EQ(plan.always[2].since, "1.1");
  EXPECT_EQ(plan.always[2].until, "2.2");
}

TEST(Runbook, RefusesAReferenceThatCouldMeanTwoSteps) {
  std::string caller = kCaller;
  caller.replace(caller.find("Twice > "), 8, "");
  EXPECT_EQ(Mistake({Book(caller), kPart}),
            "book1.yml:17:12: always[0].until: \"Start on hub2\" names 2 steps; write one of them "
            "as \"Once > Start on hub2\"");
}

TEST(Runbook, RefusesCallsThatNeverEndOrTakeAnotherLock) {
  const std::string endless = "runbook: a\nsummary: a\nsteps:\n  - call: {runbook: b}\n";
  const std::string back = "runbook: b\nsummary: b\nsteps:\n  - call: {runbook: a}\n";
  EXPECT_THAT(Mistake({endless, back}), HasSubstr("a runbook that calls itself"));
  EXPECT_THAT(Mistake({Book("lock: backup\nsteps:\n  - call: {runbook: part, parameters: {hub: "
                            "hub1}}\n"),
                       kPart}),
              HasSubstr("takes a lock that the run does not hold"));
}

TEST(Runbook, IsCheckedForEveryHostAParameterMayBe) {
  EXPECT_THAT(Mistake({Book(R"(
parameters: {hub: {host_in: hubs}}
steps:
  - name: Ask
    wait_for: mailhub_file_exists{instance="{{hub}}x"} == 1
)")}),
              HasSubstr("instance=\"hub1x\" is not in the site file"));
}

TEST(Runbook, TellsEveryFilesMistakeAtOnce) {
  const std::string mistakes = Mistake({"runbook: [a]\n", "runbook: b\nsumary: b\n"});
  EXPECT_THAT(mistakes, HasSubstr("book1.yml:1:10: runbook: expected text"));
  EXPECT_THAT(mistakes, HasSubstr("\nbook2.yml:2:1: sumary: unknown key"));
}

TEST(Runbook, RefusesMoreStepsThanAPlanMayHave) {
  std::string many = "steps:\n";
  for (int i = 0; i < 501; ++i) {
    many += "  - {name: s" + std::to_string(i) + ", run: {on: server, use: wake}}\n";
  }
  EXPECT_THAT(Mistake({Book(many)}), HasSubstr("more than 500 steps"));
}

TEST(Runbook, IsListedWithItsParameters) {
  const auto list = (*Parse({Book(kLoop)}))->List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].name, "test");
  ASSERT_EQ(list[0].parameters.size(), 3u);
  EXPECT_EQ(list[0].parameters[1].kind, "duration");
  EXPECT_EQ(list[0].parameters[1].default_value, "1m30s");
}

// One file per mistake; its first line has the expected message.
TEST(Runbook, ReportsEveryMistakeOfTheTestdataWithItsPlace) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MAILHUB_TESTDATA)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with("invalid-")) continue;
    ++count;
    auto text = config::ReadFile(entry.path());
    ASSERT_TRUE(text);
    constexpr std::string_view kExpect = "# expect: ";
    ASSERT_TRUE(text->starts_with(kExpect)) << file;
    const std::string expected =
        file + ":" + text->substr(kExpect.size(), text->find('\n') - kExpect.size());
    auto library = RunbookLibrary::Parse({{file, *text}}, Site());
    ASSERT_FALSE(library) << file << " was accepted";
    EXPECT_THAT(library.error().message, HasSubstr(expected));
  }
  EXPECT_GE(count, 40);
}

}  // namespace
}  // namespace mailhub::runbook
