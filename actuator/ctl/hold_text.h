// Text of a run's holds, pause and question, with the command for each answer. Pure.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/model.h"

namespace mailhub::ctl {

// Every hold with its step, reason, detail and last lines of output, a pause, a question. The
// answering commands are of all holds, or of the first one only when there is little room. Empty
// when the run needs no answer.
enum class Commands { kOfAll, kOfTheFirst };
std::vector<std::string> AskedLines(const Run& run, Commands commands);

// One hold without commands.
std::vector<std::string> HoldLines(const Run& run, const Hold& hold);

// One thing that waits for a person, with the commands that answer it.
struct Waiting {
  std::string run, runbook, target;
  std::string kind;  // "hold", "pause", "confirm"
  std::string step;  // its path; empty: of the run
  std::string text;  // what is asked
  std::string since;
  std::string until;                  // the end of its time, if it has one
  std::string whom;                   // who may answer; empty: everybody who may
  std::vector<std::string> commands;  // WHY stands for a reason
};
std::vector<Waiting> WaitingOf(const Run& run);

// The last `most` lines of the step's output, each after "| ".
std::vector<std::string> LastOutput(const Step& step, size_t most);

}  // namespace mailhub::ctl
