// Reads known_hosts as OpenSSH does; internal to this folder.
//
// libssh's own reader ignores lines that begin with @, so it accepts a revoked key. It knows no
// !pattern, gives up a whole file for one unknown key type, and reads neither tabs nor long lines.
// So this code reads the file, and libssh only gives the host's key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::ssh {

enum class HostKeyVerdict {
  kGood,
  kRevoked,    // a line with @revoked names the host and this key
  kOther,      // the host has lines, with other keys
  kUnknown,    // no line names the host
  kAuthority,  // only lines with @cert-authority do; certificates are not understood here
};

// Immutable; may be shared between threads.
class KnownHosts {
 public:
  // kInvalid when the file cannot be read, kOverloaded when no file descriptor is left.
  static Result<KnownHosts> Read(const std::string& path);
  explicit KnownHosts(std::string text) : text_(std::move(text)) {}

  // The verdict of ssh with StrictHostKeyChecking=yes on a plain host key in wire format (not
  // Base64). `line`: the number of the line that decided, or 0. May be null.
  HostKeyVerdict Judge(const std::string& address, int port, std::string_view key,
                       size_t* line) const;

  // The key types of this host's lines, as the lines call them, without those of which the host's key is revoked: those to
  // ask the host for first.
  std::vector<std::string> TypesOf(const std::string& address, int port) const;

 private:
  HostKeyVerdict JudgeAs(const std::string& name, std::string_view key, size_t* line) const;

  std::string text_;
};

}  // namespace mailhub::ssh
