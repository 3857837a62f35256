// The last line of a command's output, for a hold's sentence: it usually has the reason.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::engine {

// The last line of `output` that is not blank, printable and at most 200 bytes; "" if there is
// none.
std::string LastWords(std::string_view output);

}  // namespace mailhub::engine
