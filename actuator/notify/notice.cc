// See notice.h.
#include "actuator/notify/notice.h"

#include <algorithm>

#include "lib/base/counted.h"
#include "lib/base/printable.h"

namespace mailhub::notify {
namespace {

constexpr size_t kLongestText = 500;
constexpr size_t kLongestName = 200;
constexpr size_t kShortId = 12;

// A header holds it.
std::string Safe(const std::string& text) {
  std::string safe = text.substr(0, kLongestName);
  for (char& c : safe) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return safe;
}

Notice Of(const engine::RunView& run, Happening event, WallTime at, const std::string& more = "") {
  Notice notice;
  notice.event = event;
  notice.id = Safe(run.id) + "-" + Name(event) + (more.empty() ? "" : "-" + Safe(more));
  notice.at = at;
  notice.run = Excerpt(run.id, kLongestName);
  notice.runbook = Excerpt(run.runbook, kLongestName);
  notice.target = Excerpt(run.target, kLongestName);
  notice.by = Excerpt(run.by, kLongestName);
  return notice;
}

std::string Typed(const engine::RunView& run, const std::string& verb,
                  const std::string& rest = "") {
  return "mailhubctl run " + verb + " " + Safe(run.id.substr(0, kShortId)) + rest;
}

std::string About(const Notice& notice) {
  return "The " + notice.runbook + " run" + (notice.target.empty() ? "" : " of " + notice.target);
}

}  // namespace

const char* Word(const Notice& notice) {
  return notice.event ? Name(*notice.event) : "test";
}

Notice HeldNotice(const engine::RunView& run, const engine::HoldView& hold) {
  const std::string number = std::to_string(hold.number);
  Notice notice = Of(run, Happening::kHeld, hold.since, number);
  notice.step = Excerpt(hold.path, kLongestName);
  notice.step_name = Excerpt(hold.step_name, kLongestText);
  notice.hold = hold.number;
  notice.reason = Name(hold.reason);
  notice.detail = Excerpt(hold.detail, kLongestText);
  notice.commands = Typed(run, "show");
  for (const engine::Verb verb : hold.answers) {
    // A cancel is about the whole run; these two must be explained in the journal.
    const bool judges = verb == engine::Verb::kSkip || verb == engine::Verb::kResolve;
    notice.commands += "\n" + Typed(run, Name(verb),
                                    (verb == engine::Verb::kCancel ? "" : " --hold " + number) +
                                        std::string(judges ? " --reason WHY" : ""));
  }
  return notice;
}

Notice WaitingNotice(const engine::RunView& run, const engine::StepView& step, WallTime at) {
  const std::string attempt = std::to_string(step.attempt);
  Notice notice = Of(run, Happening::kWaiting, at, step.path + "-" + attempt);
  notice.step = Excerpt(step.path, kLongestName);
  notice.step_name = Excerpt(step.name, kLongestText);
  notice.detail = notice.step_name;
  notice.commands =
      Typed(run, "show") + "\n" +
      Typed(run, "confirm",
            " --step " + Safe(step.path) + (step.attempt > 1 ? " --attempt " + attempt : "")) +
      "\n" + Typed(run, "cancel");
  return notice;
}

Notice EndNotice(const engine::RunView& run, WallTime at) {
  const bool failed = run.result == engine::RunResult::kFailed;
  Notice notice = Of(run, failed ? Happening::kFailed : Happening::kFinished, at);
  notice.result = run.result ? Name(*run.result) : "";
  notice.detail = Excerpt(run.result_detail, kLongestText);
  notice.commands = Typed(run, "show");
  return notice;
}

Notice LateNotice(const engine::RunView& run, WallTime at) {
  Notice notice = Of(run, Happening::kLate, at);
  notice.commands = Typed(run, "show") + "\n" + Typed(run, "watch");
  return notice;
}

Notice TestNotice(const std::string& receiver, const std::string& token, WallTime at) {
  Notice notice;
  notice.id = "test-" + Safe(receiver) + "-" + Safe(token);
  notice.at = at;
  notice.commands = "mailhubctl receiver list";
  return notice;
}

std::vector<Notice> StandingNotices(const engine::View& view) {
  std::vector<Notice> notices;
  for (const engine::RunView& run : view.unfinished) {
    if (notices.size() >= kMostStanding) break;
    for (const engine::HoldView& hold : run.holds) notices.push_back(HeldNotice(run, hold));
    if (!run.asks.empty() && run.current < run.steps.size()) {
      const engine::StepView& step = run.steps[run.current];
      notices.push_back(WaitingNotice(run, step, step.started.value_or(run.queued)));
    }
    if (run.overdue) notices.push_back(LateNotice(run, run.started.value_or(run.queued)));
  }
  return notices;
}

std::string Sentence(const Notice& notice, Quote quote) {
  const auto said = [&](const std::string& text) { return text.empty() ? "" : ": " + quote(text); };
  if (!notice.event) return "This is a test of mailhub's notifications; nothing has happened.";
  switch (*notice.event) {
    case Happening::kHeld:
      return About(notice) + " holds at " + quote(notice.step_name) + " (" + notice.reason + ")" +
             said(notice.detail);
    case Happening::kWaiting:
      return About(notice) + " asks a person" + said(notice.detail);
    case Happening::kFailed:
      return About(notice) + " has failed" + said(notice.detail);
    case Happening::kFinished:
      return About(notice) + " has ended: " + notice.result + said(notice.detail);
    case Happening::kLate:
      return About(notice) + " takes longer than expected. Nothing is killed.";
  }
  return "";
}

std::string LeftOutSentence(uint64_t left_out) {
  if (left_out == 0) return "";
  return Counted(left_out, "earlier notification") + (left_out == 1 ? " was" : " were") +
         " left out: this receiver did not take " + (left_out == 1 ? "it" : "them") + " in time.";
}

}  // namespace mailhub::notify
