// A run as text: for one look, for a redrawn terminal, and as a log of changes. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/ctl/model.h"

namespace mailhub::ctl {

// "gate 0.72, wants >= 0.9 (false: ...)"; "" without a reading.
std::string GateText(const Step& step);

// Longest text of one parameter in lists.
inline constexpr size_t kListedParameter = 60;

// "dictionary=german mailhub=mailhub2", each at most `longest` characters; "" without parameters.
std::string ParametersText(const Run& run, size_t longest);

// Why a run waits, and its planned start: the same words wherever a run is shown. "" without both.
std::string WaitText(const std::string& waiting_for, const std::string& starts_at);

// When a run would start that is not queued yet. Nothing: the actuator does not say it.
std::vector<std::string> StartLines(const std::optional<Start>& start);

// The state of an unfinished run in one line: whether it is being cancelled or ends, its step, and
// the reason it waits.
std::string Standing(const Run& run);

// The whole run with every step; with commands and output when `details`.
std::vector<std::string> RunLines(const Run& run, bool details);

// The run on a screen of that size. When there is little room, steps far from the current one are
// left out first. Holds, questions and the current step's messages are wrapped, never cut off.
std::vector<std::string> Frame(const Run& run, size_t columns, size_t rows);

// Reports the changes since the last call, one line each; the first call reports everything.
class ChangeLog {
 public:
  std::vector<std::string> Changes(const Run& run);

 private:
  void StepChanges(const Step& step, std::vector<std::string>& lines);

  struct Seen {
    std::string kind;  // phase, attempt, state of the gate: a change is reported at once
    std::string result;
    std::string text;  // reading or last output: a change is reported now and then
    double said_at_s = 0;
  };
  std::string title_;
  std::string waits_for_;        // while it is queued
  std::set<std::string> asked_;  // the lines about holds and questions
  std::map<std::string, Seen> steps_;
};

}  // namespace mailhub::ctl
