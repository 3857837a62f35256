// The runner's text, built in, so that program and runner always fit each other.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::remote {

// Immutable, thread-safe.
std::string_view RunnerScript();
// SHA-256 of it, hex. Computed once.
const std::string& RunnerDigest();

}  // namespace mailhub::remote
