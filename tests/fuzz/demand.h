// Checks of fuzz targets. A failed check prints its sentence and aborts: libFuzzer keeps the input,
// and a test fails.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace mailhub::fuzz {

// `shown` is printed with control characters escaped.
void Demand(bool kept, std::string_view sentence, std::string_view shown = "");

// A message is a sentence for a person: not empty, at most 1,000 bytes, printable, in one line.
void DemandGoodMessage(const Error& error);
void DemandGoodMessage(std::string_view message);

// A good message that begins with "PATH:LINE:COLUMN: ", a place inside `text`.
void DemandPlaced(const Error& error, std::string_view path, std::string_view text);

// Calls `one` and checks that it takes at most two seconds of this thread's CPU time.
void Timed(void (*one)(std::string_view), std::string_view bytes);

}  // namespace mailhub::fuzz
