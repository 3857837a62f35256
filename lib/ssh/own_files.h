// Reads our own files for a connection; internal to this folder. Their defects are not the host's
// fault, so they are read before the host is contacted.
#pragma once

#include <memory>
#include <string>

#include "lib/ssh/known_hosts.h"
#include "lib/ssh/session.h"

struct ssh_key_struct;

namespace mailhub::ssh {

struct SshKeyFree {
  void operator()(ssh_key_struct* key) const;
};
using SshKey = std::unique_ptr<ssh_key_struct, SshKeyFree>;

struct OwnFiles {
  KnownHosts known_hosts;
  SshKey key;
};

// Fails with kOwnFiles or kOwnLimits. Thread-safe.
tl::expected<OwnFiles, ConnectError> ReadOwnFiles(const std::string& known_hosts_file,
                                                  const std::string& identity_file);

}  // namespace mailhub::ssh
