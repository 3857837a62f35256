// See verbs.h.
#include "actuator/ctl/verbs.h"

#include "actuator/ctl/hold_text.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/run_text.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

std::string RunPath(const std::string& run) {
  return "/api/v1/runs/" + http::UrlEncode(run);
}

bool AnswersAHold(const std::string& word) {
  return word == "retry" || word == "skip" || word == "resolve";
}

int ShowWhatIsAsked(const Run& run, const std::string& word) {
  const bool confirms = word == "confirm";
  std::string why = word + " was not sent: ";
  if (confirms && run.asks) {
    why += "name the step whose question you answer, with --step";
  } else if (!confirms && !run.holds.empty()) {
    why += "name the hold that you answer, with --hold";
  } else if (word == "resume" && run.pause) {
    why += "name the pause that you lift, with --pause";
  } else {
    why += "the run " + std::string(confirms ? "asks nothing" : "does not hold") + ", it is " +
           run.state;
    const std::string wait = WaitText(run.waiting_for, run.starts_at);
    if (!wait.empty()) why += ": " + wait;
  }
  OutLines(AskedLines(run, Commands::kOfAll));
  return Complain({ErrorKind::kRefused, why});
}

}  // namespace

int RunAct(ApiClient& api, Format format, const Verb& verb) {
  const bool confirms = verb.word == "confirm";
  const bool unsaid = confirms ? verb.step.empty() : verb.hold == 0 && verb.pause == 0;
  if (unsaid && (confirms || AnswersAHold(verb.word) || verb.word == "resume")) {
    const auto data = api.Get(RunPath(verb.run));
    if (!data) return Complain(data.error());
    const auto run = ParseRun(*data);
    if (!run) return Complain(run.error());
    return ShowWhatIsAsked(*run, verb.word);
  }
  const auto data = api.Post(
      RunPath(verb.run) + "/" + verb.word,
      BodyJson(
          {{"reason", verb.reason}, {"by", api.by()}, {"step", confirms ? verb.step : ""}}, nullptr,
          {{"hold", verb.hold}, {"pause", verb.pause}, {"attempt", confirms ? verb.attempt : 0}}));
  if (!data) return Complain(data.error());
  const auto id = ParseField(*data, "run");
  if (!id) return Complain(id.error());
  if (format == Format::kJson) return OutJson(*data);
  Out(verb.word + ": accepted for run " + Printable(*id) + "\n");
  return 0;
}

}  // namespace mailhub::ctl
