// The runner's text, built into the program, so that both always match.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/digest.h"

namespace mailhub::remote {

// Immutable, thread-safe. The build makes it from runner/.
std::string_view RunnerScript();

// Its part that checks whether a directory belongs to the account alone; used before a runner is
// installed. Contains no apostrophe.
std::string_view StrictScript();

// Its SHA-256, hex. Computed once.
inline const std::string& RunnerDigest() {
  static const std::string digest = Sha256Hex(RunnerScript());
  return digest;
}

}  // namespace mailhub::remote
