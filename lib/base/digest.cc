// See digest.h.
#include "lib/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdlib>

namespace mailhub {
namespace {

std::string Hex(const unsigned char* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string Sha256Hex(std::string_view data) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
  return Hex(digest.data(), digest.size());
}

std::string HmacSha1(std::string_view key, std::string_view data) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data(),
           &size) == nullptr) {
    std::abort();  // out of memory
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string RandomHex(int bits) {
  std::array<unsigned char, 64> bytes{};
  const auto size = static_cast<size_t>(bits / 8);
  if (bits % 8 != 0 || size > bytes.size()) std::abort();
  if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1) std::abort();
  return Hex(bytes.data(), size);
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mailhub
