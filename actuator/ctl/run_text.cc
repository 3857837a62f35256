// Marks: [x] done, [>] at it, [!] held there, [-] skipped, [~] settled by a person or passed over
// in spite of a failure, [ ] still to come.
#include "actuator/ctl/run_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr double kRepeatGateAfterSeconds = 10;
constexpr size_t kShortId = 12;

std::string NumberText(std::optional<double> number) {
  if (!number) return "no value";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", *number);
  return text.data();
}

bool UnderWay(const Step& step) {
  return step.result.empty() && step.phase != "pending" && step.phase != "done";
}

const char* Mark(const Run& run, const Step& step) {
  if (run.hold && run.hold->path == step.path && step.result.empty()) return "[!]";
  if (step.result == "done") return "[x]";
  if (step.result == "skipped") return "[-]";
  if (!step.result.empty()) return "[~]";
  return UnderWay(step) ? "[>]" : "[ ]";
}

std::string StepLine(const Run& run, const Step& step) {
  std::string line = std::string("  ") + Mark(run, step) + " " + Printable(step.name);
  if (step.elapsed_s) line += "  " + ElapsedText(step.elapsed_s);
  if (step.attempt > 1) line += "  attempt " + std::to_string(step.attempt);
  if (!step.result.empty() && step.result != "done") line += "  " + Printable(step.result);
  if (UnderWay(step)) {
    line += "  " + Printable(step.phase);
    const std::string gate = GateText(step);
    if (!gate.empty()) line += "  " + gate;
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

// Every line but the steps.
std::vector<std::string> Header(const Run& run) {
  std::vector<std::string> lines = {Title(run)};
  std::string origin = "run " + Printable(run.id) + " by " + Printable(run.by);
  if (!run.trigger.empty()) origin += " (" + Printable(run.trigger) + ")";
  lines.push_back(origin);
  std::string times = run.started_at.empty() ? "queued " + LocalTime(run.queued_at)
                                             : "started " + LocalTime(run.started_at);
  if (run.elapsed_s) times += "   elapsed " + ElapsedText(run.elapsed_s);
  if (!run.finished_at.empty()) {
    times += "   finished " + LocalTime(run.finished_at);
  } else if (!run.eta.empty()) {
    times +=
        "   expected end " + LocalTimeOfDay(run.eta) + " (in " + ElapsedText(run.remaining_s) + ")";
  }
  if (run.overdue) times += "   OVERDUE";
  times += "   steps " + std::to_string(run.steps_done) + "/" + std::to_string(run.steps_total);
  lines.push_back(times);
  if (run.hold) {
    lines.push_back("HELD (" + Printable(run.hold->reason) + ") at: " + Printable(run.hold->step));
    lines.push_back("  " + Printable(run.hold->detail));
    lines.push_back("  then: mailhubctl run retry|skip|resolve|cancel " +
                    Printable(run.id.substr(0, kShortId)));
  } else if (!run.waiting_for.empty()) {
    lines.push_back(Printable(run.waiting_for));
  }
  return lines;
}

void AppendDetails(const Step& step, std::vector<std::string>& lines) {
  const std::string indent = "        ";
  const bool touched = !step.result.empty() || UnderWay(step);
  if (!step.command.empty())
    for (const std::string& line : PrintableLines(step.command))
      lines.push_back(indent + Printable(step.host) + "$ " + line);
  if (!step.expr.empty()) lines.push_back(indent + "until " + Printable(step.expr));
  if (!touched) return;
  if (step.exit_status)
    lines.push_back(indent + "exit status " + std::to_string(*step.exit_status));
  if (!step.detail.empty()) lines.push_back(indent + Printable(step.detail));
  for (const std::string& line : PrintableLines(step.output)) lines.push_back(indent + "| " + line);
}

// The steps shown in at most `room` lines around the first one that is not over.
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

std::vector<std::string> RunLines(const Run& run, bool details) {
  std::vector<std::string> lines = Header(run);
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
  std::vector<std::string> lines = Header(run);
  std::vector<std::string> steps;
  size_t focus = run.steps.size();
  for (const Step& step : run.steps) {
    const bool at_it = UnderWay(step) || (run.hold && run.hold->path == step.path);
    if (at_it || (step.result.empty() && !step.always && focus == run.steps.size()))
      focus = std::min(focus, steps.size());
    steps.push_back(StepLine(run, step));
  }
  if (!steps.empty()) focus = std::min(focus, steps.size() - 1);
  const size_t room = rows > lines.size() + 1 ? rows - lines.size() - 1 : 0;
  for (std::string& line : Window(steps, focus, room)) lines.push_back(std::move(line));
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = Shortened(line, columns);
  return lines;
}

std::vector<std::string> ChangeLog::Changes(const Run& run) {
  std::vector<std::string> lines;
  const std::string state =
      Title(run) + "\n" +
      (run.hold ? "held (" + run.hold->reason + ") at: " + run.hold->step + ": " + run.hold->detail
                : "");
  std::vector<std::string> steps;
  for (const Step& step : run.steps) StepChanges(step, steps);
  const bool finished = run.state == "finished";
  if (finished) lines.swap(steps);
  if (state != state_) {
    if (state_.empty()) lines.push_back("run " + Printable(run.id) + " by " + Printable(run.by));
    lines.push_back(Title(run) + (finished ? " after " + ElapsedText(run.elapsed_s) : ""));
    if (run.hold)
      lines.push_back("held (" + Printable(run.hold->reason) +
                      ") at: " + Printable(run.hold->step) + ": " + Printable(run.hold->detail));
    state_ = state;
  }
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
  const std::string gate = GateText(step);
  const std::string gate_state = step.gate ? step.gate->state + step.gate->why : "";
  const bool moved = seen.phase != step.phase || seen.attempt != step.attempt;
  const bool read = !gate.empty() && (seen.gate != gate_state ||
                                      elapsed_s - seen.gate_said_at_s >= kRepeatGateAfterSeconds);
  if (!moved && !read) return;
  std::string line = name + ": " + Printable(step.phase);
  if (step.attempt > 1) line += ", attempt " + std::to_string(step.attempt);
  if (!gate.empty()) line += ", " + gate;
  lines.push_back(std::move(line));
  seen = {step.phase, step.result, gate_state, elapsed_s, step.attempt};
}

}  // namespace mailhub::ctl
