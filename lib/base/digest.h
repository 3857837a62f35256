// SHA-256, HMAC-SHA-1 and random identities; OpenSSL stays in the .cc.
#pragma once

#include <string>
#include <string_view>

namespace mailhub {

// Lower-case hex SHA-256, 64 characters. Thread-safe.
std::string Sha256Hex(std::string_view data);

// The 20 bytes of HMAC-SHA-1: what OpenSSH hashes host names with. Thread-safe.
std::string HmacSha1(std::string_view key, std::string_view data);

// `bits` / 4 lower-case hex characters from the operating system's generator; bits is a multiple of
// 8, at most 512. Thread-safe. Aborts if the system has no randomness: nothing sensible can follow.
std::string RandomHex(int bits);

// Compares without letting the time taken tell where the difference is, though whether the lengths
// differ: for digests of secrets, not for secrets. Thread-safe.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace mailhub
