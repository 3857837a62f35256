// Marks: [x] done, [>] current, [!] held, [-] skipped, [~] settled by a person or passed over in
// spite of a failure, [ ] still to come.
#include "actuator/ctl/run_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "actuator/ctl/hold_text.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr double kRepeatAfterSeconds = 10;
constexpr size_t kOutputLinesWatched = 2;

std::string NumberText(std::optional<double> number) {
  if (!number) return "no value";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", *number);
  return text.data();
}

bool UnderWay(const Step& step) {
  return step.result.empty() && step.phase != "pending" && step.phase != "done" &&
         step.phase != "left";
}

bool HeldAt(const Run& run, const Step& step) {
  return std::any_of(run.holds.begin(), run.holds.end(),
                     [&](const Hold& hold) { return hold.path == step.path; });
}

const char* Mark(const Run& run, const Step& step) {
  if (HeldAt(run, step) && step.result.empty()) return "[!]";
  if (step.result == "done") return "[x]";
  if (step.result == "skipped") return "[-]";
  if (!step.result.empty()) return "[~]";
  if (step.phase == "left") return "[~]";
  return UnderWay(step) ? "[>]" : "[ ]";
}

std::string StepLine(const Run& run, const Step& step) {
  std::string line = std::string("  ") + Mark(run, step) + " " + Printable(step.name);
  if (step.elapsed_s) line += "  " + ElapsedText(step.elapsed_s);
  if (step.attempt > 1) line += "  attempt " + std::to_string(step.attempt);
  if (!step.result.empty() && step.result != "done") line += "  " + Printable(step.result);
  if (step.phase == "left") line += "  left";
  if (UnderWay(step)) {
    const std::string gate = GateText(step);
    line += "  " + (gate.empty() ? Printable(step.phase) : gate);
  }
  return line;
}

std::string Title(const Run& run) {
  std::string title = Printable(run.runbook);
  if (!run.target.empty()) title += " " + Printable(run.target);
  title += ": " + Printable(run.result.empty() || run.state != "finished" ? run.state : run.result);
  if (!run.result_detail.empty()) title += " (" + Printable(run.result_detail) + ")";
  return title;
}

// "armed, acts 15m00s after the last renewal, which was confirmed 12s ago".
std::string DeadManLine(const DeadMan& dead_man) {
  std::string line = "dead man on " + Printable(dead_man.host) + ": " + Printable(dead_man.state);
  if (dead_man.state != "restored") {
    line += ", acts " + ElapsedText(dead_man.after_s) + " after the last renewal";
    if (dead_man.confirmed_s_ago) {
      line += ", which was confirmed " + ElapsedText(dead_man.confirmed_s_ago) + " ago";
    } else if (dead_man.state != "lost") {  // that lease was confirmed once, in other receipts
      line += "; the host has not confirmed it since the program was started";
    }
  }
  line += "; guards step " + Printable(dead_man.path);
  if (!dead_man.trouble.empty()) line += "; " + Printable(dead_man.trouble);
  return line;
}

std::string Times(const Run& run) {
  std::string times = run.started_at.empty() ? "queued " + LocalTime(run.queued_at)
                                             : "started " + LocalTime(run.started_at);
  if (run.elapsed_s) times += "   elapsed " + ElapsedText(run.elapsed_s);
  if (!run.finished_at.empty()) {
    times += "   finished " + LocalTime(run.finished_at);
  } else if (run.eta_passed_s) {
    times += "   expected end passed " + ElapsedText(run.eta_passed_s) + " ago";
  } else if (!run.eta.empty()) {
    times +=
        "   expected end " + LocalTimeOfDay(run.eta) + " (in " + ElapsedText(run.remaining_s) + ")";
  }
  if (run.overdue) times += "   OVERDUE";
  return times + "   steps " + std::to_string(run.steps_done) + "/" +
         std::to_string(run.steps_total);
}

// All lines except the steps.
std::vector<std::string> Header(const Run& run, Commands commands) {
  std::vector<std::string> lines = {Title(run)};
  std::string origin = "run " + Printable(run.id) + " by " + Printable(run.by);
  if (!run.trigger.empty()) origin += " (" + Printable(run.trigger) + ")";
  lines.push_back(origin);
  const std::string parameters = ParametersText(run, std::string::npos);
  if (!parameters.empty()) lines.push_back("parameters: " + parameters);
  lines.push_back(Times(run));
  const std::vector<std::string> asked = AskedLines(run, commands);
  lines.insert(lines.end(), asked.begin(), asked.end());
  const std::string wait = WaitText(asked.empty() ? run.waiting_for : "", run.starts_at);
  if (!wait.empty()) lines.push_back(wait);
  if (!run.unsuitable.empty())
    lines.push_back("goes on, though its suitable time is over: " + Printable(run.unsuitable));
  if (!run.at_once.empty())
    lines.push_back("started without regard to suitable times: " + Printable(run.at_once));
  for (const DeadMan& dead_man : run.dead_men) lines.push_back(DeadManLine(dead_man));
  return lines;
}

void AppendDetails(const Step& step, std::vector<std::string>& lines) {
  const std::string indent = "        ";
  const bool touched = !step.result.empty() || UnderWay(step) || step.phase == "left";
  if (!step.command.empty())
    for (const std::string& line : PrintableLines(step.command))
      lines.push_back(std::string(indent).append(Printable(step.host)).append("$ ").append(line));
  if (!step.expr.empty()) lines.push_back(indent + "until " + Printable(step.expr));
  if (!touched) return;
  if (step.exit_status)
    lines.push_back(indent + "exit status " + std::to_string(*step.exit_status));
  if (!step.detail.empty()) lines.push_back(indent + Printable(step.detail));
  if (step.output.empty()) return;
  if (UnderWay(step)) lines.push_back(indent + "last output");
  for (const std::string& line : PrintableLines(step.output))
    lines.push_back(std::string(indent).append("| ").append(line));
}

// The steps that fit in at most `room` lines around the first one that is not over.
std::vector<std::string> Window(const std::vector<std::string>& steps, size_t focus, size_t room) {
  if (steps.size() <= room) return steps;
  if (room < 3) return {};
  const size_t inner = room - 2;
  const size_t above = std::min(inner / 3, focus);
  const size_t first = std::min(focus - above, steps.size() - inner);
  std::vector<std::string> lines;
  lines.push_back("      (" + std::to_string(first) + " more above)");
  for (size_t i = first; i < first + inner; ++i) lines.push_back(steps[i]);
  lines.push_back("      (" + std::to_string(steps.size() - first - inner) + " more below)");
  return lines;
}

}  // namespace

std::string GateText(const Step& step) {
  if (!step.gate) return "";
  const Gate& gate = *step.gate;
  std::string text = "gate " + NumberText(gate.value);
  if (gate.threshold)
    text += ", wants " + Printable(gate.comparison) + " " + NumberText(gate.threshold);
  text += " (" + Printable(gate.state);
  if (!gate.why.empty()) text += ": " + Printable(gate.why);
  return text + ")";
}

std::string ParametersText(const Run& run, size_t longest) {
  std::string text;
  for (const auto& [name, value] : run.parameters)
    text.append(text.empty() ? "" : " ")
        .append(Shortened(Printable(std::string(name).append("=").append(value)), longest));
  return text;
}

std::string WaitText(const std::string& waiting_for, const std::string& starts_at) {
  const std::string why = Printable(waiting_for);
  if (starts_at.empty()) return why;
  return why + (why.empty() ? "" : ", ") + "planned start " + LocalTime(starts_at);
}

std::vector<std::string> StartLines(const std::optional<Start>& start) {
  const std::string unknown = "it is not known how long it takes and when it would start: ";
  if (!start) return {unknown + "this actuator does not say it"};
  if (!start->unknown.empty()) return {unknown + Printable(start->unknown)};
  std::vector<std::string> lines = {
      start->reserved_s > 0 ? "time that is reserved for it: " + ElapsedText(start->reserved_s) +
                                  " (" + Printable(start->reserved_from) + ")"
                            : "no time is reserved for it: " + Printable(start->reserved_from)};
  if (!start->refused.empty()) {
    lines.push_back("it would be refused now: " + Printable(start->refused));
  } else if (start->now) {
    lines.emplace_back("it would start at once");
  } else {
    lines.push_back("it would wait: " + WaitText(start->waiting_for, start->starts_at));
  }
  return lines;
}

std::string Standing(const Run& run) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (run.state == "ending") {
    add("to end as " + Printable(run.result));
  } else if (run.result == "cancelled") {
    add("being cancelled");
  }
  if (run.current) add("at " + Printable(run.current->name));
  const std::string wait = WaitText(run.waiting_for, run.starts_at);
  if (!wait.empty()) add(wait);
  return text;
}

std::vector<std::string> RunLines(const Run& run, bool details) {
  std::vector<std::string> lines = Header(run, Commands::kOfAll);
  bool always = false;
  for (const Step& step : run.steps) {
    if (step.always && !always) lines.emplace_back("  in any case:");
    always |= step.always;
    lines.push_back(StepLine(run, step));
    if (details) AppendDetails(step, lines);
  }
  return lines;
}

std::vector<std::string> Frame(const Run& run, size_t columns, size_t rows) {
  std::vector<std::string> lines;
  for (const std::string& line : Header(run, Commands::kOfTheFirst))
    for (std::string& part : Wrapped(line, columns, 4)) lines.push_back(std::move(part));
  std::vector<std::string> steps;
  std::optional<size_t> focus;
  for (const Step& step : run.steps) {
    const bool at_it = UnderWay(step) || HeldAt(run, step);
    if (!focus && (at_it || (step.result.empty() && !step.always))) focus = steps.size();
    if (!at_it) {
      steps.push_back(Shortened(StepLine(run, step), columns));
      continue;
    }
    for (std::string& part : Wrapped(StepLine(run, step), columns, 8))
      steps.push_back(std::move(part));
    for (const std::string& output : LastOutput(step, kOutputLinesWatched))
      steps.push_back(Shortened("        " + output, columns));
  }
  const size_t room = rows > lines.size() + 1 ? rows - lines.size() - 1 : 0;
  const size_t last = steps.empty() ? 0 : steps.size() - 1;
  for (std::string& line : Window(steps, std::min(focus.value_or(last), last), room))
    lines.push_back(std::move(line));
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = Shortened(line, columns);
  return lines;
}

std::vector<std::string> ChangeLog::Changes(const Run& run) {
  std::vector<std::string> lines;
  std::vector<std::string> steps;
  for (const Step& step : run.steps) StepChanges(step, steps);
  const bool finished = run.state == "finished";
  if (finished) lines.swap(steps);
  const std::string title = Title(run);
  if (title != title_) {
    if (title_.empty()) lines.push_back("run " + Printable(run.id) + " by " + Printable(run.by));
    lines.push_back(title + (finished ? " after " + ElapsedText(run.elapsed_s) : ""));
    title_ = title;
  }
  const std::string waits_for =
      run.state == "queued" ? WaitText(run.waiting_for, run.starts_at) : "";
  if (waits_for != waits_for_ && !waits_for.empty()) lines.push_back("waits: " + waits_for);
  waits_for_ = waits_for;
  const std::vector<std::string> asked = AskedLines(run, Commands::kOfAll);
  for (const std::string& line : asked)
    if (!asked_.contains(line)) lines.push_back(line);
  asked_.clear();
  asked_.insert(asked.begin(), asked.end());
  lines.insert(lines.end(), steps.begin(), steps.end());
  return lines;
}

void ChangeLog::StepChanges(const Step& step, std::vector<std::string>& lines) {
  Seen& seen = steps_[step.path];
  const std::string name = Printable(step.name);
  if (!step.result.empty()) {
    if (seen.result != step.result) {
      std::string line = name + ": " + Printable(step.result);
      if (step.elapsed_s) line += " after " + ElapsedText(step.elapsed_s);
      if (step.result != "done" && !step.detail.empty()) line += ": " + Printable(step.detail);
      lines.push_back(std::move(line));
    }
    seen.result = step.result;
    return;
  }
  if (!UnderWay(step)) return;
  const double elapsed_s = step.elapsed_s.value_or(0);
  const bool waits = step.phase == "gate";
  const std::string gate = GateText(step);
  // The first reading comes a moment after the wait has begun, and tells more.
  if (waits && gate.empty() && elapsed_s < kRepeatAfterSeconds) return;
  const auto output = LastOutput(step, 1);
  const std::string text = !gate.empty() ? gate : output.empty() ? "" : output.back();
  const std::string kind =
      step.phase + " " + std::to_string(step.attempt) + (step.gate ? " " + step.gate->state : "");
  const bool moved = seen.kind != kind;
  const bool says_more =
      text != seen.text && (seen.text.empty() || elapsed_s - seen.said_at_s >= kRepeatAfterSeconds);
  if (!moved && !says_more) return;
  std::string line = name + ":";
  if (gate.empty() && (moved || text.empty())) line += " " + Printable(step.phase);
  if (step.attempt > 1) line += " (attempt " + std::to_string(step.attempt) + ")";
  if (!text.empty()) line += " " + text;
  lines.push_back(std::move(line));
  seen = {kind, step.result, text, elapsed_s};
}

}  // namespace mailhub::ctl
