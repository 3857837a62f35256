// SHA-256, HMAC-SHA-1 and random identities; OpenSSL stays in the .cc.
#pragma once

#include <string>
#include <string_view>

namespace mailhub {

// Lower-case hex SHA-256, 64 characters. Thread-safe.
std::string Sha256Hex(std::string_view data);

// The 20 bytes of HMAC-SHA-1, as OpenSSH hashes host names. Thread-safe.
std::string HmacSha1(std::string_view key, std::string_view data);

// `bits` / 4 lower-case hex characters from the operating system's generator; bits is a multiple of
// 8, at most 512. Thread-safe. Aborts if the system has no randomness.
std::string RandomHex(int bits);

// Compares in a time that does not depend on the place of a difference, but does depend on the
// lengths. For digests of secrets, not for secrets. Thread-safe.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace mailhub
