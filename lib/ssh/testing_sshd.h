// For tests: a real sshd on 127.0.0.1 with its own port, host key and user key; it ends with the
// object.
#pragma once

#include <sys/types.h>

#include <string>

#include "lib/ssh/session.h"

namespace mailhub::ssh {

// Owns a directory below /tmp and a process. Confined to one thread. Aborts the test program if
// sshd cannot start, for instance if it is not installed.
class TestingSshd {
 public:
  // `more_config`: further lines of sshd_config. `key_type`: of the host key.
  explicit TestingSshd(const std::string& more_config = "",
                       const std::string& key_type = "ed25519");
  ~TestingSshd();
  TestingSshd(const TestingSshd&) = delete;
  TestingSshd& operator=(const TestingSshd&) = delete;

  // The current user, with the right key and the right known_hosts.
  SshTarget Target() const;
  const std::string& directory() const { return directory_; }
  pid_t pid() const { return pid_; }
  // Makes a key pair in the directory that the server does not know; returns the private key's
  // path.
  std::string NewKey(const std::string& name, const std::string& type = "ed25519");
  // The public half of the host key: "ssh-ed25519 AAAA...".
  std::string HostKey() const;

 private:
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace mailhub::ssh
