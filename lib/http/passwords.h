// Basic authentication against bcrypt hashes: slow on purpose, so what was right once is
// remembered, and only one thread hashes at a time; internal to this folder. crypt(3) stays in the
// .cc.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
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
  // their turn.
  Result<std::string> Check(const std::map<std::string, std::string>& users,
                            std::string_view header);

 private:
  bool Known(const std::string& digest) const;
  void Remember(const std::string& digest);

  const std::string salt_;  // so that the digests say nothing outside this process
  Guarded<std::deque<std::string>> right_;
  std::mutex hashing_;
  std::atomic<int> waiting_{0};
};

}  // namespace mailhub::http
