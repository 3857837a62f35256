// See hold_text.h.
#include "actuator/ctl/hold_text.h"

#include <algorithm>
#include <string_view>

#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr size_t kShortId = 12;
constexpr size_t kOutputOfAHold = 3;

// Quoted for the shell: a step's path may have more than letters and digits.
std::string Word(const std::string& text) {
  std::string word = Printable(text);
  const bool plain = word.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-") ==
                     std::string::npos;
  if (plain && !word.empty()) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Typed(const Run& run, const char* verb, const std::string& rest) {
  return std::string("mailhubctl run ") + verb + " " + Word(run.id.substr(0, kShortId)) + rest;
}

struct Offer {
  const char* means;
  const char* verb;
  bool reason;  // needs --reason
};

// The meaning of each answer to such a hold, in the words of docs/execution_model.md.
std::vector<Offer> OffersFor(const Hold& hold) {
  const std::string& reason = hold.reason;
  if (reason == "dead_man_restored" || reason == "lease_lost") {
    return {{"do it again", "retry", false}, {"go on as it is", "resolve", true}};
  }
  if (reason == "refused" && hold.dead_man) {
    return {{"ask again", "retry", false}, {"give up its dead man", "skip", true}};
  }
  if (reason == "refused") {
    return {{"ask again", "retry", false},
            {"leave it undone", "skip", true},
            {"declare it done", "resolve", true}};
  }
  const bool settled = hold.answers.empty() || std::find(hold.answers.begin(), hold.answers.end(),
                                                         "resolve") != hold.answers.end();
  if (reason == "still_stopped" && !settled) {  // its command may still run
    return {{"wait on", "retry", false}, {"wait no longer", "skip", true}};
  }
  if (reason == "still_stopped") {
    return {{"bring it back", "retry", false},
            {"it is back", "resolve", true},
            {"leave it stopped", "skip", true}};
  }
  if (reason == "not_confirmed") {
    return {{"ask again", "retry", false},
            {"go on without it", "skip", true},
            {"it is answered", "resolve", true}};
  }
  if (reason == "host_away") return {{"ask on", "retry", false}, {"give up on it", "skip", true}};
  return {{"look again", "resume", false},
          {"try once more", "retry", false},
          {"leave it undone", "skip", true},
          {"declare it done", "resolve", true}};
}

struct Answer {
  std::string means;
  std::string command;
};

// The answers that the hold accepts now.
std::vector<Answer> AnswersTo(const Run& run, const Hold& hold) {
  std::vector<Answer> answers;
  for (const Offer& offer : OffersFor(hold)) {
    // An older actuator does not say which answers it accepts.
    const bool taken = hold.answers.empty() || std::find(hold.answers.begin(), hold.answers.end(),
                                                         offer.verb) != hold.answers.end();
    if (!taken) continue;
    const std::string number = " --hold " + std::to_string(hold.number);
    answers.push_back(
        {offer.means, Typed(run, offer.verb, number + (offer.reason ? " --reason WHY" : ""))});
  }
  return answers;
}

void AppendCommands(const Run& run, const Hold& hold, std::vector<std::string>& lines) {
  constexpr size_t kColumn = 19;  // a longer meaning moves its command to the right
  for (const Answer& answer : AnswersTo(run, hold)) {
    std::string line = "  " + answer.means + ":";
    line.resize(std::max(line.size() + 1, kColumn), ' ');
    lines.push_back(line + answer.command);
  }
}

std::string Resuming(const Run& run, const Pause& pause) {
  return Typed(run, "resume", " --pause " + std::to_string(pause.number));
}

std::string Confirming(const Run& run, const Question& question) {
  const std::string attempt =
      question.attempt > 1 ? " --attempt " + std::to_string(question.attempt) : "";
  return Typed(run, "confirm", " --step " + Word(question.path) + attempt);
}

void AppendCancel(const Run& run, std::vector<std::string>& lines) {
  lines.push_back("  end the run:     " + Typed(run, "cancel", ""));
}

void AppendPause(const Run& run, std::vector<std::string>& lines) {
  if (!run.pause) return;
  const Pause& pause = *run.pause;
  lines.push_back("PAUSED by " + Printable(pause.by) +
                  (pause.since.empty() ? "" : ", since " + LocalTime(pause.since)) +
                  (pause.reason.empty() ? "" : ": " + Printable(pause.reason)));
  lines.push_back("  go on:           " + Resuming(run, pause));
  // A hold or a question beside it says so, or it has a result and nothing is left to cancel.
  if (run.holds.empty() && !run.asks && run.result.empty()) AppendCancel(run, lines);
}

void AppendQuestion(const Run& run, std::vector<std::string>& lines) {
  if (!run.asks) return;
  const Question& question = *run.asks;
  const std::string name = question.step == question.text ? "" : ", " + Printable(question.step);
  lines.push_back("ASKS at step " + Printable(question.path) + name + ": " +
                  Printable(question.text));
  if (!question.whom.empty()) lines.push_back("  who may answer:  " + Printable(question.whom));
  if (!question.until.empty()) lines.push_back("  until:           " + LocalTime(question.until));
  lines.push_back("  say yes:         " + Confirming(run, question));
  AppendCancel(run, lines);
}

}  // namespace

std::vector<std::string> LastOutput(const Step& step, size_t most) {
  std::vector<std::string> all = PrintableLines(step.output);
  if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
  for (std::string& line : all) line.insert(0, "| ");
  return all;
}

std::vector<std::string> HoldLines(const Run& run, const Hold& hold) {
  std::vector<std::string> lines;
  lines.push_back("HOLD " + std::to_string(hold.number) + " (" + Printable(hold.reason) +
                  ") at step " + Printable(hold.path) + ", " + Printable(hold.step) +
                  (hold.since.empty() ? "" : ", since " + LocalTime(hold.since)));
  if (!hold.detail.empty()) lines.push_back("  " + Printable(hold.detail));
  for (const Step& step : run.steps) {
    if (step.path != hold.path) continue;
    for (const std::string& line : LastOutput(step, kOutputOfAHold)) lines.push_back("  " + line);
  }
  return lines;
}

namespace {

std::vector<std::string> HoldLines(const Run& run, Commands commands) {
  std::vector<std::string> lines;
  for (const Hold& hold : run.holds) {
    for (std::string& line : HoldLines(run, hold)) lines.push_back(std::move(line));
    if (commands == Commands::kOfAll || &hold == &run.holds.front())
      AppendCommands(run, hold, lines);
  }
  if (run.holds.empty()) return lines;
  if (run.holds.size() > 1)
    lines.emplace_back("  each of the holds must be answered, by its number");
  const std::vector<std::string>& answers = run.holds.front().answers;
  const bool may_cancel =
      answers.empty() ? run.result.empty()
                      : std::find(answers.begin(), answers.end(), "cancel") != answers.end();
  if (may_cancel) AppendCancel(run, lines);
  return lines;
}

}  // namespace

std::vector<Waiting> WaitingOf(const Run& run) {
  std::vector<Waiting> all;
  Waiting one;
  one.run = run.id;
  one.runbook = run.runbook;
  one.target = run.target;
  for (const Hold& hold : run.holds) {
    Waiting held = one;
    held.kind = "hold";
    held.step = hold.path;
    held.text = hold.reason + " at " + hold.step + (hold.detail.empty() ? "" : ": " + hold.detail);
    held.since = hold.since;
    for (const Answer& answer : AnswersTo(run, hold)) held.commands.push_back(answer.command);
    all.push_back(std::move(held));
  }
  if (run.pause) {
    Waiting paused = one;
    paused.kind = "pause";
    paused.text =
        "paused by " + run.pause->by + (run.pause->reason.empty() ? "" : ": " + run.pause->reason);
    paused.since = run.pause->since;
    paused.commands = {Resuming(run, *run.pause)};
    all.push_back(std::move(paused));
  }
  if (run.asks) {
    Waiting asked = one;
    asked.kind = "confirm";
    asked.step = run.asks->path;
    asked.text = run.asks->text;
    asked.since = run.asks->since;
    asked.until = run.asks->until;
    asked.whom = run.asks->whom;
    asked.commands = {Confirming(run, *run.asks), Typed(run, "cancel", "")};
    all.push_back(std::move(asked));
  }
  return all;
}

std::vector<std::string> AskedLines(const Run& run, Commands commands) {
  std::vector<std::string> lines = HoldLines(run, commands);
  AppendPause(run, lines);
  AppendQuestion(run, lines);
  return lines;
}

}  // namespace mailhub::ctl
