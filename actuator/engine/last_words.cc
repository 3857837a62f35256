// See last_words.h.
#include "actuator/engine/last_words.h"

#include "lib/base/printable.h"

namespace mailhub::engine {

std::string LastWords(std::string_view output) {
  constexpr size_t kMost = 200;
  const size_t end = output.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  output = output.substr(0, end + 1);
  const size_t line = output.find_last_of("\r\n");
  if (line != std::string_view::npos) output.remove_prefix(line + 1);
  output.remove_prefix(output.find_first_not_of(" \t"));
  return Excerpt(output, kMost);
}

}  // namespace mailhub::engine
