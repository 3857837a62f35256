// isode.eddy: the X.500 directory's stand-in. With `-D TABLES` it is the root process, else the
// main one.
//
// The main process serves only while it is connected to the root process, and does not start
// without one. It leaks memory: slowly always, by the entry during a rebuild, and quickly when the
// lab asks for it.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "common/evidence.h"
#include "common/knobs.h"
#include "common/wire.h"
#include "eddy/directory.h"
#include "eddy/root.h"
#include "eddy/server.h"

namespace {

using lab::Event;
using lab::Fault;
using lab::kEddy;
using lab::Knob;

constexpr double kMegabyte = 1 << 20;
constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::seconds kRootPatience{5};
constexpr double kFaultLeakMbPerSecond = 80;
constexpr double kFaultLeakMb = 560;

std::optional<lab::Connection> FindRoot(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto root = lab::ConnectLocal(lab::kRootSocket);
    if (root && root->ReadLine(std::chrono::seconds(1))) return root;
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// Grows the leak by one tick's amount. The fault counts up in faults.json; a count found at the
// start is already over.
class LeakPace {
 public:
  void Tick(lab::Leak& leak, double seconds) {
    const double asked = Fault("leak", 0);
    if (asked != handled_) {
      handled_ = asked;
      to_leak_mb_ = kFaultLeakMb;
      Event(kEddy, "leak_fault").Send();
    }
    const double quick = std::min(to_leak_mb_, kFaultLeakMbPerSecond * seconds);
    to_leak_mb_ -= quick;
    leak.Grow((quick + Knob("leak_mb_per_s", 0.02) * seconds) * kMegabyte);
  }

 private:
  double handled_ = Fault("leak", 0);
  double to_leak_mb_ = 0;
};

// Serves until a signal ends it.
void ServeUntilTold(int signals, lab::Server& server, lab::Leak& leak,
                    std::optional<lab::Connection> root) {
  LeakPace pace;
  auto before = std::chrono::steady_clock::now();
  for (;;) {
    pollfd waiting[] = {{signals, POLLIN, 0}, {root ? root->fd() : -1, POLLIN, 0}};
    poll(waiting, 2, static_cast<int>(kTick.count()));
    const auto now = std::chrono::steady_clock::now();
    pace.Tick(leak, std::chrono::duration<double>(now - before).count());
    before = now;
    if (waiting[0].revents != 0) return;
    if (root && waiting[1].revents != 0) {
      Event(kEddy, "root_lost").Send();
      root.reset();
      server.Stop();
    } else if (!root && (root = FindRoot(std::chrono::milliseconds(0)))) {
      Event(kEddy, "root_found").Send();
      server.Start();
    }
  }
}

int RunMain() {
  const int signals = lab::TerminationDescriptor();
  Event(kEddy, "main_start").Send();
  auto root = FindRoot(kRootPatience);
  if (!root) {
    std::fputs("isode.eddy: no root process\n", stderr);
    Event(kEddy, "main_exit").Add("reason", "no root process").Send();
    return 1;
  }
  lab::Leak working_set;
  working_set.Grow(Knob("directory_base_mb", 60) * kMegabyte);
  const auto directory = lab::Directory::Load("/dirtables/entries");
  lab::Leak leak;
  lab::Server server(directory, leak);
  if (!server.Start()) {
    Event(kEddy, "main_exit").Add("reason", "the port is taken").Send();
    return 1;
  }
  Event(kEddy, "main_serving").Add("entries", static_cast<int>(directory.entries().size())).Send();
  ServeUntilTold(signals, server, leak, std::move(root));
  Event(kEddy, "main_stopping").Add("leaked_mb", leak.bytes() / kMegabyte).Send();
  server.Stop();
  std::this_thread::sleep_for(std::chrono::duration<double>(Knob("eddy_stop_seconds", 1.2)));
  Event(kEddy, "main_exit").Add("reason", "asked").Send();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "-D") return lab::RunRoot(argv[2]);
  return RunMain();
}
