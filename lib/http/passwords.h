// Checks basic authentication against bcrypt hashes. Hashing is slow on purpose, so right passwords
// are remembered, and one thread hashes at a time; internal to this folder. crypt(3) stays in the
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

  // The user of a valid Authorization header. kRefused, or kOverloaded when too many wait: 2
  // passwords or 8 callers of one address (with IPv6 of one /64), or 16 passwords in all. A client
  // that guesses passwords thus keeps no other from logging in.
  Result<std::string> Check(const std::map<std::string, std::string>& users,
                            std::string_view header, const std::string& remote_address);

 private:
  // A password that waits to be hashed, with all callers that ask for it.
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

  const std::string salt_;  // makes the digests useless outside this process
  Guarded<std::deque<std::string>> right_;
  std::mutex mutex_;
  std::condition_variable turn_;
  // In order of arrival: with a mutex alone, frequent callers would always come first. Protected by
  // mutex_.
  std::deque<std::shared_ptr<Asked>> line_;
  std::map<std::string, int> callers_;  // by origin; protected by mutex_
};

}  // namespace mailhub::http
