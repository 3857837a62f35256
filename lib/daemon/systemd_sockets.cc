#include "lib/daemon/systemd_sockets.h"

#include <systemd/sd-daemon.h>

#include <cstring>
#include <string>

namespace mailhub::daemon {

Result<std::vector<int>> TakeSystemdSockets() {
  const int count = sd_listen_fds(1);
  if (count < 0) {
    return Fail(ErrorKind::kInvalid, std::string("--web.systemd-socket: what systemd passes is not "
                                                 "understood: ") +
                                         std::strerror(-count));  // NOLINT(concurrency-mt-unsafe)
  }
  if (count == 0) {
    return Fail(
        ErrorKind::kNotFound,
        "--web.systemd-socket: systemd passes no socket; expected a socket unit of the same "
        "name, with ListenStream=ADDRESS:PORT");
  }
  std::vector<int> sockets;
  for (int i = 0; i < count; ++i) sockets.push_back(SD_LISTEN_FDS_START + i);
  return sockets;
}

}  // namespace mailhub::daemon
