// The kinds of systems that hosts have.
#pragma once

#include "lib/base/words.h"

namespace mailhub::config {

enum class Platform { kLinux, kPosix, kWindows };
constexpr auto WordsOf(Platform) {
  using enum Platform;
  return Vocabulary<Platform>({{kLinux, "linux"}, {kPosix, "posix"}, {kWindows, "windows"}});
}

}  // namespace mailhub::config
