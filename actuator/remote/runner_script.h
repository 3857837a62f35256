// The runner's text, built in, so that program and runner always fit each other.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/digest.h"

namespace mailhub::remote {

// Immutable, thread-safe. The build makes it of runner/.
std::string_view RunnerScript();

// The part of it that looks whether a directory is the account's alone: needed before there is a
// runner. Holds no apostrophe.
std::string_view StrictScript();

// SHA-256 of it, hex. Computed once.
inline const std::string& RunnerDigest() {
  static const std::string digest = Sha256Hex(RunnerScript());
  return digest;
}

}  // namespace mailhub::remote
