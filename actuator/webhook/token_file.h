// Files of secret tokens: the webhook's, which identify our Alertmanager, and the API's, which
// identify an operator.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/guarded.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// A file with one token per line (several during a replacement). Checked at every call and read
// again when changed. Thread-safe.
class TokenFile {
 public:
  // kNotFound, kRefused (not readable for us, or readable or writable for everybody), kInvalid (no
  // token, one shorter than 16 bytes, more than 8, white space inside one).
  static Status Check(const std::string& path);
  // The file's tokens, at least one, for a client. Fails as Check, but does not check other
  // accounts' access to the file.
  static Result<std::vector<std::string>> Tokens(const std::string& path);

  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  // Success if `token` is in the file; kRefused if not. Takes the same time for every difference.
  // kUnreachable while the file cannot be used: no token is accepted, and a later call may succeed.
  Status Verify(std::string_view token) const;

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Known {
    Stamp stamp;
    std::vector<std::string> digests;
  };
  static Result<Stamp> Look(const std::string& path);
  static Result<std::vector<std::string>> Digests(const std::string& path);

  const std::string path_;
  mutable Guarded<Known> known_;
};

}  // namespace mailhub::webhook
