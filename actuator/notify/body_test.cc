// The formats, byte for byte.
#include "actuator/notify/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "actuator/engine/run.h"
#include "actuator/notify/testing_notify.h"

namespace mailhub::notify {
namespace {

using ::testing::HasSubstr;
using testing::kBegin;
using testing::kRun;
using ::testing::Not;

engine::RunView ViewAfter(size_t events) {
  engine::Run run;
  run.id = kRun;
  const auto all = testing::WholeRun();
  for (size_t i = 0; i < events; ++i) run.Apply(all[i]);
  return ViewOf(run);
}

Notice Held() {
  const engine::RunView view = ViewAfter(4);
  return HeldNotice(view, view.holds.at(0));
}

TEST(PlainBody, OfAHold) {
  EXPECT_EQ(
      PlainBody(Held(), 3),
      R"({"version":"1","id":"3f2a91c0aa55aa55aa55aa55aa55aa55-held-1","event":"held",)"
      R"("at":"2026-03-01T10:00:04.000Z","run":"3f2a91c0aa55aa55aa55aa55aa55aa55",)"
      R"("runbook":"mailhub-rebuild","target":"mailhub2","by":"anna","step":"1",)"
      R"("step_name":"Stop <it>","hold":1,"reason":"step_failed","result":"",)"
      R"("detail":"exit 1: no & \\x1b[2m`x`",)"
      R"("summary":"The mailhub-rebuild run of mailhub2 holds at \"Stop <it>\" (step_failed): )"
      R"(\"exit 1: no & \\x1b[2m`x`\"","commands":"mailhubctl run show 3f2a91c0aa55\n)"
      R"(mailhubctl run retry 3f2a91c0aa55 --hold 1\nmailhubctl run resume 3f2a91c0aa55 --hold 1\n)"
      R"(mailhubctl run resolve 3f2a91c0aa55 --hold 1 --reason WHY\n)"
      R"(mailhubctl run skip 3f2a91c0aa55 --hold 1 --reason WHY\n)"
      R"(mailhubctl run cancel 3f2a91c0aa55","link":"","left_out":3})");
}

TEST(PlainBody, OfAnEnd) {
  EXPECT_EQ(PlainBody(EndNotice(ViewAfter(11), kBegin), 0),
            R"({"version":"1","id":"3f2a91c0aa55aa55aa55aa55aa55aa55-finished",)"
            R"("event":"finished","at":"2026-03-01T10:00:00.000Z",)"
            R"("run":"3f2a91c0aa55aa55aa55aa55aa55aa55","runbook":"mailhub-rebuild",)"
            R"("target":"mailhub2","by":"anna","step":"","step_name":"","hold":0,"reason":"",)"
            R"("result":"succeeded","detail":"",)"
            R"("summary":"The mailhub-rebuild run of mailhub2 has ended: succeeded",)"
            R"("commands":"mailhubctl run show 3f2a91c0aa55","link":"","left_out":0})");
}

TEST(SlackBody, EscapesAndKeepsTextFromOutsideInCode) {
  Notice held = Held();
  held.commands = "mailhubctl run show 3f2a91c0aa55";
  EXPECT_EQ(
      SlackBody(held, 1),
      R"({"text":"The mailhub-rebuild run of mailhub2 holds at `Stop &lt;it&gt;` (step_failed): )"
      R"(`exit 1: no &amp; \\x1b[2m'x'`\n1 earlier notification was left out: this receiver did )"
      R"(not take it in time.\n```\nmailhubctl run show 3f2a91c0aa55\n```","blocks":[{)"
      R"("type":"section","text":{"type":"mrkdwn","text":)"
      R"("The mailhub-rebuild run of mailhub2 holds at `Stop &lt;it&gt;` (step_failed): )"
      R"(`exit 1: no &amp; \\x1b[2m'x'`\n1 earlier notification was left out: this receiver did )"
      R"(not take it in time."}},{"type":"section","text":{"type":"mrkdwn","text":)"
      R"("```\nmailhubctl run show 3f2a91c0aa55\n```"}}]})");
}

TEST(Bodies, LeadToTheRunWhereTheUrlIsKnown) {
  Notice held = Held();
  held.link = "https://m.example.org/hub/api/v1/runs/3f2a";
  using nlohmann::json;
  EXPECT_EQ(json::parse(PlainBody(held, 0))["link"], held.link);
  EXPECT_EQ(json::parse(AlertmanagerBody({{held, kBegin}}))[0]["generatorURL"], held.link);
  const std::string text = json::parse(SlackBody(held, 0))["text"];
  EXPECT_THAT(text, HasSubstr("\n<https://m.example.org/hub/api/v1/runs/3f2a>\n```"));
}

TEST(SlackBody, MentionsNobody) {
  Notice held = Held();
  held.detail = "<!channel> @all `@here` <http://x|y>";
  const std::string text = nlohmann::json::parse(SlackBody(held, 0))["text"];
  EXPECT_THAT(text, HasSubstr("`&lt;!channel&gt; @all '@here' &lt;http://x|y&gt;`"));
  EXPECT_THAT(text, Not(HasSubstr("<")));
}

TEST(AlertmanagerBody, HasAlertsThatLastAndThatHaveEnded) {
  Notice held = Held();
  held.commands = "mailhubctl run show 3f2a91c0aa55";
  engine::RunView asks = ViewAfter(7);
  Notice waiting = WaitingNotice(asks, asks.steps.at(1), kBegin + Seconds(7));
  waiting.commands = "c";
  EXPECT_EQ(
      AlertmanagerBody({{held, kBegin + Seconds(304)}, {waiting, kBegin}}),
      R"([{"labels":{"alertname":"MailhubRunHeld","severity":"critical","run":"mailhub-rebuild",)"
      R"("run_id":"3f2a91c0aa55aa55aa55aa55aa55aa55","target":"mailhub2","hold":"1"},)"
      R"("annotations":{"summary":)"
      R"("The mailhub-rebuild run of mailhub2 holds at \"Stop <it>\" (step_failed): )"
      R"(\"exit 1: no & \\x1b[2m`x`\"","commands":"mailhubctl run show 3f2a91c0aa55",)"
      R"("id":"3f2a91c0aa55aa55aa55aa55aa55aa55-held-1"},)"
      R"("startsAt":"2026-03-01T10:00:04.000Z","endsAt":"2026-03-01T10:05:04.000Z"},)"
      R"({"labels":{"alertname":"MailhubRunWaiting","severity":"warning","run":"mailhub-rebuild",)"
      R"("run_id":"3f2a91c0aa55aa55aa55aa55aa55aa55","target":"mailhub2","step":"2"},)"
      R"("annotations":{"summary":)"
      R"("The mailhub-rebuild run of mailhub2 asks a person: \"Is this a quiet week?\"",)"
      R"("commands":"c","id":"3f2a91c0aa55aa55aa55aa55aa55aa55-waiting-2-1"},)"
      R"("startsAt":"2026-03-01T10:00:07.000Z","endsAt":"2026-03-01T10:00:07.000Z"}])");
}

TEST(AlertmanagerBody, StartsNoRunbook) {
  const auto alerts = nlohmann::json::parse(AlertmanagerBody({{Held(), kBegin}}));
  EXPECT_FALSE(alerts[0]["labels"].contains("runbook"))
      << "rules/alertmanager.yml sends such alerts to the actuator";
}

TEST(Body, OfATestIsRecognised) {
  const Notice test = TestNotice("chat", "ab12", kBegin);
  EXPECT_THAT(PlainBody(test, 0), HasSubstr(R"("event":"test")"));
  EXPECT_THAT(PlainBody(test, 0), HasSubstr(R"("id":"test-chat-ab12")"));
  EXPECT_THAT(SlackBody(test, 0), HasSubstr("nothing has happened"));
  EXPECT_THAT(AlertmanagerBody({{test, kBegin}}), HasSubstr("MailhubReceiverTest"));
}

TEST(Body, NoUtf8IsReplacedAndNeverRefused) {
  engine::RunView view = ViewAfter(4);
  view.holds[0].detail = "a\xff\xfe";
  view.target = "t\xff";
  for (const std::string& body : {PlainBody(HeldNotice(view, view.holds[0]), 0),
                                  SlackBody(HeldNotice(view, view.holds[0]), 0)}) {
    EXPECT_TRUE(nlohmann::json::accept(body)) << body;
    EXPECT_THAT(body, HasSubstr("a\\\\xff\\\\xfe"));
  }
}

}  // namespace
}  // namespace mailhub::notify
