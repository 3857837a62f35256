// `mailhubctl calendar` of a running actuator, and that all commands say alike why a run waits.
#include "actuator/ctl/testing_ctl.h"
#include "actuator/engine/testing_calendar.h"

namespace mailhub::ctl {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

const WallTime kMonday{std::chrono::sys_days(std::chrono::year(2026) / 3 / 2)};
constexpr const char* kDays = "calendar --days 3 --from 2026-03-02";
constexpr const char* kWhy =
    "window «nights» is closed until 2026-03-02 20:00 GMT; it needs 4h (`expected` of its runbook; "
    "2 runs so far)";

api::ConfigurationState WithCalendar() {
  auto calendar = std::make_shared<engine::SpanCalendar>();
  calendar->spans["nights"] = {{kMonday + hours(20), kMonday + hours(30)}};
  calendar->spans["works"] = {{kMonday + hours(21), kMonday + hours(22)}};
  calendar->spans["exams"] = {{kMonday + hours(48), kMonday + hours(60)}};
  calendar->always_blackouts = {"exams"};
  return {.since = kMonday, .calendar = calendar};
}

engine::RunView Queued() {
  engine::RunView run = api::testing::RunAtItsGate();
  run.id = "0123456789abcdef0123456789abcdef";
  run.state = engine::RunState::kQueued;
  run.started.reset();
  run.eta.reset();
  run.waiting_for = kWhy;
  run.starts_at = kMonday + hours(23);
  run.needed = {hours(4), "`expected` of its runbook; 2 runs so far"};
  run.ends_at = kMonday + hours(27);
  return run;
}

TEST_F(MailhubctlTest, DrawsTheCalendarOfTheActuatorWithItsRuns) {
  backend_.SetConfiguration(WithCalendar());
  engine::RunView held = api::testing::HeldRun();
  held.started = kMonday + hours(70);  // so it is drawn from then until now
  held.end_unknown = "it waits for a person, and nobody knows how long";
  engine::View view;
  view.unfinished = {Queued(), held};
  backend_.Show(view);
  const Outcome days = Ctl(kDays);
  EXPECT_EQ(days.status, 0) << days.out;
  // From 20:00 the nights, from 21:00 for an hour the works as well, from 23:00 the run.
  EXPECT_THAT(days.out, HasSubstr("\nMon  2 Mar  " + std::string(40, '.') + "aa**aa11\n"));
  EXPECT_THAT(days.out, HasSubstr("\nTue  3 Mar  111111aaaaaa" + std::string(36, '.') + "\n"));
  EXPECT_THAT(days.out,
              HasSubstr("\nWed  4 Mar  " + std::string(24, '#') + std::string(20, '.') + "2222\n"));
  EXPECT_THAT(days.out, HasSubstr("# no run starts: exams"));
  EXPECT_THAT(days.out,
              HasSubstr("1 mailhub-rebuild mailhub2 (0123456789ab), queued: planned start "
                        "2026-03-02 23:00 UTC, expected end 2026-03-03 03:00 UTC (4h00m: "
                        "`expected` of its runbook; 2 runs so far)\n"));
  EXPECT_THAT(days.out, HasSubstr(std::string("    waits: ") + kWhy));
  EXPECT_THAT(days.out,
              HasSubstr("held: began 2026-03-04 22:00 UTC, its end is not known: it waits "
                        "for a person"));
  for (size_t at = 0, end = 0; (end = days.out.find('\n', at)) != std::string::npos; at = end + 1) {
    if (days.out.substr(at, 1) == "M") {
      EXPECT_LE(end - at, 100U);
    }
  }
  const Outcome json = Ctl(std::string(kDays) + " --format json");
  EXPECT_EQ(json.status, 0) << json.out;
  EXPECT_THAT(json.out, HasSubstr("\"since\": \"2026-03-02T00:00:00.000Z\""));
  EXPECT_THAT(json.out, HasSubstr("\"until\": \"2026-03-05T00:00:00.000Z\""));
  EXPECT_THAT(json.out, HasSubstr("\"endUnknown\": \"it waits for a person"));
}

TEST_F(MailhubctlTest, ShowsTheRunsOfAnActuatorWithoutACalendarAndSaysThatItHasNone) {
  engine::View view = ViewOf(api::testing::RunAtItsGate());
  view.mode = engine::Mode::kHalted;
  view.unfinished[0].end_unknown = "mode is halted: no step begins";
  backend_.Show(view);
  const Outcome days = Ctl("calendar");
  EXPECT_EQ(days.status, 0) << days.out;
  EXPECT_THAT(days.out, HasSubstr("This actuator has no calendar: every time is suitable."));
  EXPECT_THAT(days.out, HasSubstr("Mode halted: no run starts"));
  EXPECT_THAT(days.out, HasSubstr("its end is not known: mode is halted"));
}

TEST_F(MailhubctlTest, DrawsTheDaysOfTheZoneThatIsAskedFor) {
  backend_.SetConfiguration(WithCalendar());
  backend_.Show(engine::View());
  const Outcome paris = Ctl(std::string(kDays) + " --location Europe/Paris");
  EXPECT_THAT(paris.out, HasSubstr("Mon  2 Mar  " + std::string(42, '.') + "aa**aa\n")) << "21:00";
  // One hour less on the day of the change.
  EXPECT_THAT(Ctl("calendar --days 1 --from 2026-03-29 --location Europe/Paris").out,
              HasSubstr("Sun 29 Mar  ....  " + std::string(42, '.')));
  EXPECT_EQ(Ctl("calendar --from tomorrow").status, 1);
  EXPECT_THAT(Ctl("calendar --location Nowhere").out, HasSubstr("--location: "));
  EXPECT_EQ(Ctl("calendar --days 401").status, 64);
}

// The planned start is beside the reason wherever a run or a plan of one is shown, and both have
// the words of the API.
TEST_F(MailhubctlTest, SaysEverywhereAlikeWhyARunWaitsAndWhenItStarts) {
  backend_.SetConfiguration(WithCalendar());
  const engine::RunView run = Queued();
  backend_.Show(ViewOf(run));
  const engine::StartView start{
      .refused = "", .now = false, .begin = run.starts_at, .why = kWhy, .needed = run.needed};
  backend_.ForeseeWith(start);
  engine::LivePlan live;
  live.plan = api::testing::RebuildPlan();
  live.start = start;
  backend_.CheckWith(live);
  engine::AlertTrial trial;
  trial.decided.alertname = "Leak";
  trial.decided.decision = engine::Decision::kStartedRun;
  trial.new_run = true;
  trial.start = start;
  backend_.TryWith(std::vector<engine::AlertTrial>{trial});
  const std::string both = std::string(kWhy) + ", planned start 2026-03-02 23:00:00 +0000";
  for (const char* command :
       {"run list", "run show 0123456789ab", "status", "run plan mailhub-rebuild target=mailhub2",
        "run plan mailhub-rebuild target=mailhub2 --live", "alert test Leak",
        "run retry 0123456789ab"}) {
    EXPECT_THAT(CtlWithToken(command).out, HasSubstr(both)) << command;
  }
  EXPECT_THAT(Ctl(kDays).out, HasSubstr(std::string("waits: ") + kWhy + "\n"));
  for (const char* command : {"run list", "run show 0123456789ab", "calendar", "alert test Leak",
                              "run plan mailhub-rebuild target=mailhub2",
                              "run plan mailhub-rebuild target=mailhub2 --live"}) {
    const std::string json = CtlWithToken(std::string(command) + " --output json").out;
    // «» is no ASCII.
    EXPECT_THAT(json, HasSubstr("\"waitingFor\": \"window \\u00abnights\\u00bb is closed until "
                                "2026-03-02 20:00 GMT; it needs 4h (`expected` of its runbook; 2 "
                                "runs so far)\""))
        << command;
    EXPECT_THAT(json, HasSubstr("\"startsAt\": \"2026-03-02T23:00:00.000Z\"")) << command;
  }
}

TEST_F(MailhubctlTest, SaysBeforeAStartWhatIsReservedOrThatNothingIsKnown) {
  const char* const plan = "run plan mailhub-rebuild target=mailhub2";
  backend_.ForeseeWith(
      engine::StartView{.refused = "",
                        .now = true,
                        .begin = {},
                        .why = "",
                        .needed = {hours(4), "nine in ten of its last 7 runs took no longer"}});
  EXPECT_THAT(Ctl(plan).out, HasSubstr("time that is reserved for it: 4h00m (nine in ten of its "
                                       "last 7 runs took no longer)\nit would start at once\n"));
  backend_.ForeseeWith(Fail(ErrorKind::kOverloaded, "the journal does not answer"));
  const Outcome unknown = Ctl(plan);
  EXPECT_EQ(unknown.status, 0) << "the plan is known";
  EXPECT_THAT(unknown.out, HasSubstr("it is not known how long it takes and when it would start: "
                                     "the journal does not answer"));
  EXPECT_THAT(unknown.out, Not(HasSubstr("at once")));
}

TEST_F(MailhubctlTest, SaysWhatTheAskingPersonMayDo) {
  engine::LivePlan live;
  live.plan = api::testing::RebuildPlan();
  engine::Step ask{.path = "5", .name = "Go on?", .kind = engine::StepKind::kConfirm};
  live.plan.steps.push_back(ask);
  ask.path = "6";
  ask.approval = engine::Approval{.by = {"adam"}, .not_the_starter = false};
  live.plan.steps.push_back(ask);
  backend_.CheckWith(live);
  const Outcome asked = CtlWithToken("run plan mailhub-rebuild --live");
  EXPECT_THAT(asked.out, HasSubstr("anna (a name that is only claimed) may start it\n"));
  EXPECT_THAT(asked.out,
              HasSubstr("question 5 (Go on?): anna (a name that is only claimed) may answer it\n"));
  EXPECT_THAT(asked.out,
              HasSubstr("question 6 (Go on?): anna (a name that is only claimed) may not "
                        "answer it: not everybody may answer this question (adam)"));
}

}  // namespace
}  // namespace mailhub::ctl
