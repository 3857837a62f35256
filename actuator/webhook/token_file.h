// The secrets that prove a webhook comes from our Alertmanager, and a change from an operator.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/guarded.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// A file with one token a line (several while one replaces another), looked at again for every
// question and read again when it has changed. Thread-safe.
class TokenFile {
 public:
  // kNotFound, kRefused (not ours to read, or readable or writable for everybody), kInvalid (no
  // token, one shorter than 16 bytes, more than 8, white space inside one).
  static Status Check(const std::string& path);
  // What one may send that has such a file: its tokens, at least one. Fails as Check, but who else
  // reads the file is not looked at.
  static Result<std::vector<std::string>> Tokens(const std::string& path);

  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  // Success if `token` is one of them; kRefused if not. Takes the same time wherever they differ.
  // kUnreachable while the file cannot be used: nobody is let in, and asking again later may help.
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
