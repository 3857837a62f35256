// Text that targets write and read again.
#pragma once

#include <string>

namespace mailhub::fuzz {

// As a YAML scalar in double quotes. `text` is UTF-8.
std::string Quoted(const std::string& text);

}  // namespace mailhub::fuzz
