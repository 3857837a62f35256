// The lab's settings, as the machine writes them into /etc/lab: read anew each time, so that a
// change counts at once.
#pragma once

#include <string_view>

namespace lab {

// The number that /etc/lab/knobs.json or /etc/lab/faults.json gives for `name`; `fallback` where
// there is none.
double Knob(std::string_view name, double fallback);
double Fault(std::string_view name, double fallback);

}  // namespace lab
