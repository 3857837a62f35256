#include "lib/config/secret.h"

#include <algorithm>

#include "lib/base/printable.h"
#include "lib/base/trim.h"
#include "lib/config/yaml.h"

namespace mailhub::config {
namespace {

constexpr size_t kMostBytes = 4'096;

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

// Trimmed, and not empty.
Result<std::string> ReadTrimmed(const std::string& path) {
  auto text = ReadFile(path, kMostBytes);
  if (!text) return text;
  const std::string_view trimmed = Trim(*text);
  if (trimmed.empty()) return Fail(ErrorKind::kInvalid, path + ": is empty");
  return std::string(trimmed);
}

Result<std::string> Printable(const std::string& path, std::string secret) {
  if (IsUtf8(secret) && std::ranges::none_of(secret, IsControl)) return secret;
  return Fail(ErrorKind::kInvalid, path + ": expected one line of printable characters");
}

}  // namespace

Result<std::string> ReadSecret(const std::string& path) {
  auto secret = ReadTrimmed(path);
  return secret ? Printable(path, *std::move(secret)) : secret;
}

Result<std::string> ReadToken(const std::string& path) {
  auto token = ReadTrimmed(path);
  if (!token) return token;
  if (token->find_first_of(kSpace) != std::string::npos) {
    return Fail(ErrorKind::kInvalid, path + ": holds more than one word");
  }
  return Printable(path, *std::move(token));
}

}  // namespace mailhub::config
