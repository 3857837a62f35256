// What a run asks of a person, with the command to type for each answer. Pure.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/model.h"

namespace mailhub::ctl {

// Every hold with its step, reason, detail and last lines of output, a pause, a question; each with
// the commands that answer it; of all holds, or of the first one only when there is little room.
// Empty when nobody is asked anything.
enum class Commands { kOfAll, kOfTheFirst };
std::vector<std::string> AskedLines(const Run& run, Commands commands);

// One hold and nothing to type.
std::vector<std::string> HoldLines(const Run& run, const Hold& hold);

// The last `most` lines that the step printed, each behind "| ".
std::vector<std::string> LastOutput(const Step& step, size_t most);

}  // namespace mailhub::ctl
