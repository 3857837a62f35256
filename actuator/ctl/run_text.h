// A run as lines of text: for a look, for a terminal that is redrawn, and as a log of what changed.
// Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "actuator/ctl/model.h"

namespace mailhub::ctl {

// "gate 0.72, wants >= 0.9 (false: ...)"; "" without a reading.
std::string GateText(const Step& step);

// How much of a parameter lists show.
inline constexpr size_t kListedParameter = 60;

// "dictionary=german mailhub=mailhub2", each at most `longest` characters; "" without parameters.
std::string ParametersText(const Run& run, size_t longest);

// Where an unfinished run stands, in one line: whether it is being cancelled or ends, its step, and
// what it waits for.
std::string Standing(const Run& run);

// The whole run, every step, with commands and output when `details`.
std::vector<std::string> RunLines(const Run& run, bool details);

// The run on a screen of that size: steps far from the current one give way first. What the run
// asks and what the current step says is broken into lines, never cut off.
std::vector<std::string> Frame(const Run& run, size_t columns, size_t rows);

// Says what is new since the last look, one line each; says everything at the first.
class ChangeLog {
 public:
  std::vector<std::string> Changes(const Run& run);

 private:
  void StepChanges(const Step& step, std::vector<std::string>& lines);

  struct Seen {
    std::string kind;  // phase, attempt, state of the gate: a change of it is said at once
    std::string result;
    std::string text;  // reading or last output; a change of it is said now and then
    double said_at_s = 0;
  };
  std::string title_;
  std::string waits_for_;        // while it is queued
  std::set<std::string> asked_;  // the lines about holds and questions
  std::map<std::string, Seen> steps_;
};

}  // namespace mailhub::ctl
