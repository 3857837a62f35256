// Makes an authenticated SSH session on a TCP socket; internal to this folder.
#pragma once

#include <memory>

#include "lib/ssh/own_files.h"
#include "lib/ssh/session.h"

struct ssh_session_struct;

namespace mailhub::ssh {

struct SshFree {
  void operator()(ssh_session_struct* session) const;
};
using SshHandle = std::unique_ptr<ssh_session_struct, SshFree>;

// Takes ownership of `fd`, also when it fails. The result is in non-blocking mode. Fails with every
// ConnectFailure except kResolve and kOwnFiles. Fills the stages from key_exchange on in *trace.
tl::expected<SshHandle, ConnectError> Handshake(const SshTarget& target, const OwnFiles& own,
                                                int fd, SteadyTime deadline,
                                                const Cancellation* cancel, ConnectTrace* trace);

}  // namespace mailhub::ssh
