// What a command said last, for the sentence of a hold: there the reason stands, most of the time.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::engine {

// The last line of `output` that has anything on it, printable and at most 200 bytes; "" if there
// is none.
std::string LastWords(std::string_view output);

}  // namespace mailhub::engine
