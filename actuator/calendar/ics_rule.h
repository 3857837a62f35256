// Checks the text of a rule of repetition before libical reads it: libical cuts numbers to 16 or 32
// bits, and repeats a zone's rules without end.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::calendar {

// What is wrong with the value of an RRULE; empty: nothing that its text shows. Thread-safe.
std::string MistakeInRule(std::string_view value);

// The same for a rule of a VTIMEZONE, which must be of whole years.
std::string MistakeInZoneRule(std::string_view value);

// "20270104" and "20270104T090000" (with Z in UTC), of a year from `first` to 2099.
bool IsIcsDate(std::string_view text, int first = 1900);
bool IsIcsTime(std::string_view text, int first = 1900);

}  // namespace mailhub::calendar
