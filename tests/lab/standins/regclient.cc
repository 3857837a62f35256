// The registration client: a service that resynchronises with the directory when it starts, then
// stays connected.
//
// It is ready (for systemd) once it is connected. It exits 1 when the directory refuses, falls
// silent or goes away, and 0 when it is told to stop. After a rebuild of this hub's tables its next
// resynchronisation is a full one.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "common/evidence.h"
#include "common/knobs.h"
#include "common/wire.h"

namespace {

using lab::Event;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr char kName[] = "regclient";
constexpr char kRebuiltMark[] = "/home/exim/tables/.rebuilt";
constexpr seconds kPingEvery{2};
constexpr seconds kSilence{6};
constexpr seconds kLongestResync{600};

int Exit(int status, const char* reason) {
  Event(kName, status == 0 ? "stop" : "exit").Add("status", status).Add("reason", reason).Send();
  std::printf("regclient: %s\n", reason);
  return status;
}

// Tells systemd that the service is up.
void NotifyReady() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  constexpr char kReady[] = "READY=1";
  (void)!sendto(fd, kReady, sizeof kReady - 1, MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
                static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path)));
  close(fd);
}

enum class Heard { kLine, kGone, kTold };

// Waits for the directory's next line or for a signal, whichever is first.
Heard Listen(int signals, lab::Connection& directory, milliseconds patience, std::string& line) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    if (!directory.HasLine()) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
      pollfd waiting[] = {{signals, POLLIN, 0}, {directory.fd(), POLLIN, 0}};
      if (left.count() <= 0 || poll(waiting, 2, static_cast<int>(left.count())) == 0)
        return Heard::kGone;
      if (waiting[0].revents != 0) return Heard::kTold;
      if (waiting[1].revents == 0) continue;
    }
    auto next = directory.ReadLine(seconds(5));
    if (!next) return Heard::kGone;
    line = std::move(*next);
    return Heard::kLine;
  }
}

// Tries to connect for a while, because the directory may be starting. Told to stop: nothing.
std::optional<lab::Connection> Reach(int signals) {
  const auto deadline = steady_clock::now() +
                        std::chrono::duration<double>(lab::Knob("regclient_connect_seconds", 10));
  while (steady_clock::now() < deadline) {
    auto directory = lab::ConnectTcp(lab::kDirectoryAddress, lab::kDirectoryPort, seconds(2));
    if (directory) return directory;
    pollfd waiting{signals, POLLIN, 0};
    if (poll(&waiting, 1, 200) > 0) return std::nullopt;
  }
  return std::nullopt;
}

// Stays connected: regular pings, and an end when there is no answer.
int StayConnected(int signals, lab::Connection& directory) {
  std::string line;
  for (;;) {
    pollfd waiting[] = {{signals, POLLIN, 0}, {directory.fd(), POLLIN, 0}};
    poll(waiting, 2, static_cast<int>(milliseconds(kPingEvery).count()));
    if (waiting[0].revents != 0) return Exit(0, "told to stop");
    if (!directory.Send("PING\n")) return Exit(1, "the directory went away");
    switch (Listen(signals, directory, kSilence, line)) {
      case Heard::kGone:
        return Exit(1, "the directory went away");
      case Heard::kTold:
        return Exit(0, "told to stop");
      case Heard::kLine:
        break;
    }
  }
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int signals = lab::TerminationDescriptor();
  Event(kName, "start").Send();
  char host[64] = {};
  gethostname(host, sizeof host - 1);

  auto directory = Reach(signals);
  std::string line;
  if (!directory || !directory->Send("BIND regclient " + std::string(host) + "\n") ||
      Listen(signals, *directory, kSilence, line) != Heard::kLine) {
    return Exit(1, "the directory does not answer");
  }
  NotifyReady();

  const bool full = access(kRebuiltMark, F_OK) == 0;
  Event(kName, "resync_begin").Add("full", full ? 1 : 0).Send();
  bool told = false;
  bool synced = directory->Send(full ? "RESYNC full\n" : "RESYNC partial\n");
  while (synced && line.rfind("SYNCED", 0) != 0) {
    const Heard heard = Listen(signals, *directory, kLongestResync, line);
    told = heard == Heard::kTold;
    synced = heard == Heard::kLine;
  }
  Event(kName, "resync_end").Add("complete", synced ? 1 : 0).Send();
  if (!synced) return told ? Exit(0, "told to stop") : Exit(1, "the directory went away");
  if (full) unlink(kRebuiltMark);
  return StayConnected(signals, *directory);
}
