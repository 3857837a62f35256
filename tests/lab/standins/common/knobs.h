// The lab's settings in /etc/lab: read anew each time, so that a change counts at once.
#pragma once

#include <string_view>

namespace lab {

// The number for `name` in /etc/lab/knobs.json or /etc/lab/faults.json; `fallback` if there is
// none.
double Knob(std::string_view name, double fallback);
double Fault(std::string_view name, double fallback);

}  // namespace lab
