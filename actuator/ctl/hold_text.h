// What a run asks of a person, with the command to type for each answer. Pure.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/model.h"

namespace mailhub::ctl {

// Every hold with its step, reason, detail and last lines of output, then the commands; of all
// holds, or of the first one only when there is little room. Empty when the run does not hold.
enum class Commands { kOfAll, kOfTheFirst };
std::vector<std::string> HoldLines(const Run& run, Commands commands);

// One hold and nothing to type.
std::vector<std::string> HoldLines(const Run& run, const Hold& hold);

// The question of the step that waits for a person, and the command that says yes. Empty when
// nothing is asked.
std::vector<std::string> QuestionLines(const Run& run);

// The last `most` lines that the step printed, each behind "| ".
std::vector<std::string> LastOutput(const Step& step, size_t most);

}  // namespace mailhub::ctl
