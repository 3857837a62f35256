// The runner's text, built in, so that program and runner always fit each other.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/digest.h"

namespace mailhub::remote {

// Immutable, thread-safe. The build makes it of runner/.
std::string_view RunnerScript();

// SHA-256 of it, hex. Computed once.
inline const std::string& RunnerDigest() {
  static const std::string digest = Sha256Hex(RunnerScript());
  return digest;
}

}  // namespace mailhub::remote
