#include "lib/http/passwords.h"

#include <crypt.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "lib/base/base64.h"
#include "lib/base/digest.h"
#include "lib/http/address.h"

namespace mailhub::http {
namespace {

constexpr size_t kRemembered = 256;
constexpr size_t kMostPasswords = 16;
constexpr int kMostPasswordsOfOne = 2;
constexpr int kMostCallersOfOne = 8;
constexpr const char* kTooMany = "too many passwords to check";
constexpr size_t kBcryptSize = 60;

// Does something at the end of a scope, in which a lock is held.
template <typename Do>
struct Leaving {
  explicit Leaving(Do what) : leave(std::move(what)) {}
  ~Leaving() { leave(); }
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  Do leave;
};

struct Credentials {
  std::string user;
  std::string password;
};

std::optional<Credentials> ParseBasic(std::string_view header) {
  constexpr std::string_view kScheme = "basic ";
  if (header.size() < kScheme.size()) return std::nullopt;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c =
        header[i] >= 'A' && header[i] <= 'Z' ? static_cast<char>(header[i] - 'A' + 'a') : header[i];
    if (c != kScheme[i]) return std::nullopt;
  }
  std::string encoded(header.substr(kScheme.size()));
  while (encoded.size() % 4 != 0) encoded += '=';  // some clients omit the padding
  auto decoded = DecodeBase64(encoded);
  // crypt(3) would stop at a NUL and check only the beginning.
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

int Cost(std::string_view hash) {
  return (hash[4] - '0') * 10 + (hash[5] - '0');
}

// The hash for an unknown user: as costly as the costliest user's.
std::string Dummy(const std::map<std::string, std::string>& users) {
  const auto costliest = std::max_element(
      users.begin(), users.end(),
      [](const auto& a, const auto& b) { return Cost(a.second) < Cost(b.second); });
  return costliest->second.substr(0, 7) + std::string(kBcryptSize - 7, '.');
}

bool Matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* computed = crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr && EqualInConstantTime(computed, hash);
}

}  // namespace

bool IsBcrypt(std::string_view hash) {
  const auto digit = [&](size_t at) { return hash[at] >= '0' && hash[at] <= '9'; };
  if (hash.size() != kBcryptSize || !hash.starts_with("$2") ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos) {
    return false;
  }
  if (hash[3] != '$' || !digit(4) || !digit(5) || hash[6] != '$' || Cost(hash) < 4 ||
      Cost(hash) > 16)
    return false;
  return hash.find_first_not_of("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                                7) == std::string_view::npos;
}

Passwords::Passwords() : salt_(RandomHex(256)) {}

bool Passwords::Known(const std::string& digest) const {
  return right_.With([&](const std::deque<std::string>& right) {
    return std::find(right.begin(), right.end(), digest) != right.end();
  });
}

void Passwords::Remember(const std::string& digest) {
  right_.With([&](std::deque<std::string>& right) {
    right.push_back(digest);
    if (right.size() > kRemembered) right.pop_front();
  });
}

// Returns whether `hash` is the password's, after at most the earlier ones. kOverloaded, at once,
// when too many wait.
Result<bool> Passwords::Ask(const std::string& digest, const std::string& origin,
                            const std::string& password, const std::string& hash) {
  std::unique_lock lock(mutex_);
  int& callers = callers_[origin];
  const Leaving leaving([&] {
    if (--callers_[origin] == 0) callers_.erase(origin);
  });
  if (++callers > kMostCallersOfOne) return Fail(ErrorKind::kOverloaded, kTooMany);
  auto found = std::ranges::find(line_, digest, [](const auto& asked) { return asked->digest; });
  if (found == line_.end()) {
    const auto mine =
        std::ranges::count(line_, origin, [](const auto& asked) { return asked->origin; });
    if (line_.size() >= kMostPasswords || mine >= kMostPasswordsOfOne) {
      return Fail(ErrorKind::kOverloaded, kTooMany);
    }
    line_.push_back(std::make_shared<Asked>(Asked{digest, origin, false, std::nullopt}));
    found = std::prev(line_.end());
  }
  const std::shared_ptr<Asked> asked = *found;
  turn_.wait(lock, [&] {
    return asked->right.has_value() || (line_.front() == asked && !asked->hashing);
  });
  if (asked->right) return *asked->right;  // another caller has asked the same
  asked->hashing = true;
  lock.unlock();
  const bool right = Matches(password, hash);
  lock.lock();
  asked->right = right;
  line_.pop_front();
  turn_.notify_all();
  return right;
}

Result<std::string> Passwords::Check(const std::map<std::string, std::string>& users,
                                     std::string_view header, const std::string& remote_address) {
  const auto credentials = ParseBasic(header);
  if (!credentials) return Fail(ErrorKind::kRefused, "no name and password were given");
  const auto found = users.find(credentials->user);
  const bool exists = found != users.end();
  const std::string hash = exists ? found->second : Dummy(users);
  // The hash is part of the digest, so a changed password is forgotten.
  const std::string digest =
      Sha256Hex(salt_ + credentials->user + '\0' + hash + '\0' + credentials->password);
  if (Known(digest)) return credentials->user;
  const auto right = Ask(digest, OriginOf(remote_address), credentials->password, hash);
  if (!right) return Fail(right.error());
  if (!*right || !exists) return Fail(ErrorKind::kRefused, "wrong name or password");
  if (!Known(digest)) Remember(digest);
  return credentials->user;
}

}  // namespace mailhub::http
