// Numbers with their noun, for sentences.
#pragma once

#include <cstddef>
#include <string>

namespace mailhub {

// "1 warning", "0 warnings", "3 warnings".
inline std::string Counted(size_t number, const std::string& thing) {
  return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

}  // namespace mailhub
