// Basic authentication against bcrypt hashes: slow on purpose, so what was right once is
// remembered, and only one thread hashes at a time; internal to this folder. crypt(3) stays in the
// .cc.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/guarded.h"
#include "lib/base/result.h"

namespace mailhub::http {

// "$2y$10$" and 53 characters more; also $2a$ and $2b$; costs 4 to 16.
bool IsBcrypt(std::string_view hash);

// Thread-safe.
class Passwords {
 public:
  Passwords();

  // The user whom an Authorization header proves. kRefused, or kOverloaded when too many wait for
  // their turn: with 2 passwords of one address (of one /64 with IPv6) or 8 callers of it, so that
  // who tries passwords keeps nobody else from logging in, and with 16 passwords in all.
  Result<std::string> Check(const std::map<std::string, std::string>& users,
                            std::string_view header, const std::string& remote_address);

 private:
  // A password that waits to be hashed, however many ask for it.
  struct Asked {
    std::string digest;
    std::string origin;
    bool hashing = false;
    std::optional<bool> right;
  };

  bool Known(const std::string& digest) const;
  void Remember(const std::string& digest);
  Result<bool> Ask(const std::string& digest, const std::string& origin,
                   const std::string& password, const std::string& hash);

  const std::string salt_;  // so that the digests say nothing outside this process
  Guarded<std::deque<std::string>> right_;
  std::mutex mutex_;
  std::condition_variable turn_;
  // In the order in which they came: with a mutex alone, those who ask most often come first again
  // and again. Protected by mutex_.
  std::deque<std::shared_ptr<Asked>> line_;
  std::map<std::string, int> callers_;  // by origin; protected by mutex_
};

}  // namespace mailhub::http
