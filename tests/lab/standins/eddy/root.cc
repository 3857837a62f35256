// It need only exist: the main process holds one connection to it and serves during that.
#include "eddy/root.h"

#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <vector>

#include "common/evidence.h"
#include "common/wire.h"

namespace lab {

int RunRoot(std::string_view tables) {
  const int signals = TerminationDescriptor();
  const int listener = ListenLocal(kRootSocket);
  if (listener < 0) {
    std::fputs("isode.eddy: another root process holds the root context\n", stderr);
    return 1;
  }
  Event(kEddy, "root_start").Add("tables", tables).Send();
  std::vector<Connection> mains;
  for (;;) {
    pollfd waiting[] = {{signals, POLLIN, 0}, {listener, POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[0].revents != 0) break;
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    if (mains.size() > 16) mains.clear();
    mains.emplace_back(fd).Send("ROOT\n");
  }
  Event(kEddy, "root_exit").Send();
  return 0;
}

}  // namespace lab
