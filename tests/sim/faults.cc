// See faults.h.
#include "tests/sim/faults.h"

#include <algorithm>
#include <array>
#include <random>

namespace mailhub::sim {
namespace {

constexpr std::array kFaultKinds = {
    FaultKind{"refuse", &Faults::refuse, 0.02},
    FaultKind{"hang", &Faults::hang, 0.005},
    FaultKind{"lose_reply", &Faults::lose_reply, 0.03},
    FaultKind{"delay", &Faults::delay, 0.01},
    FaultKind{"reboot", &Faults::reboot, 0.001},
    FaultKind{"wipe_receipts", &Faults::wipe_receipts, 0.2},
    FaultKind{"change_key", &Faults::change_key, 0.001},
    FaultKind{"uptime_back", &Faults::uptime_back, 0.001},
    FaultKind{"fail_command", &Faults::fail_command, 0.05},
    FaultKind{"slow_command", &Faults::slow_command, 0.02},
    FaultKind{"drop_sample", &Faults::drop_sample, 0.03},
    FaultKind{"delay_sample", &Faults::delay_sample, 0.03},
    FaultKind{"prometheus_away", &Faults::prometheus_away, 0.03},
    FaultKind{"crash", &Faults::crash, 0.003},
    FaultKind{"journal_trouble", &Faults::journal_trouble, 0.2},
    FaultKind{"depose", &Faults::depose, 0.001},
    FaultKind{"pause", &Faults::pause, 0.002},
    FaultKind{"commit_fails", &Faults::commit_fails, 0.01},
    FaultKind{"commit_seems_to_fail", &Faults::commit_seems_to_fail, 0.01},
    FaultKind{"disk_full", &Faults::disk_full, 0.01},
    FaultKind{"stay_away", &Faults::stay_away, 0.01},
    FaultKind{"clock_step", &Faults::clock_step, 0.002},
    FaultKind{"clock_years", &Faults::clock_years, 0.01},
    FaultKind{"mode_changes", &Faults::mode_changes, 0.004},
    FaultKind{"foreign_actuator", &Faults::foreign_actuator, 0.1},
    FaultKind{"gone_for_ever", &Faults::gone_for_ever, 0.2},
    FaultKind{"stale_people", &Faults::stale_people, 0.7},
    FaultKind{"restless_people", &Faults::restless_people, 0.5},
    FaultKind{"slow_reply", &Faults::slow_reply, 0.02},
    FaultKind{"fail_restore", &Faults::fail_restore, 0.2},
    FaultKind{"strange_clock", &Faults::strange_clock, 0.3},
    FaultKind{"late_notification", &Faults::late_notification, 0.1},
};

}  // namespace

std::span<const FaultKind> FaultKinds() {
  return kFaultKinds;
}

Faults BadWeather() {
  Faults faults;
  for (const FaultKind& kind : kFaultKinds) faults.*kind.chance = kind.usual;
  return faults;
}

Result<Faults> OnlyFaults(const std::string& names) {
  if (names == "all") return BadWeather();
  Faults faults;
  if (names == "none") return faults;
  for (size_t at = 0; at <= names.size();) {
    const size_t end = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, end - at);
    const auto kind = std::find_if(kFaultKinds.begin(), kFaultKinds.end(),
                                   [&](const FaultKind& one) { return name == one.name; });
    if (kind == kFaultKinds.end()) {
      std::string known = "all, none";
      for (const FaultKind& one : kFaultKinds) known.append(", ").append(one.name);
      return Fail(
          ErrorKind::kInvalid,
          std::string("no fault is called \"").append(name).append("\"; expected ").append(known));
    }
    faults.*kind->chance = kind->usual;
    at = end + 1;
  }
  return faults;
}

Faults Swarm(Faults faults, uint64_t seed) {
  std::mt19937_64 random(seed ^ 0x5377617264);
  for (const FaultKind& kind : kFaultKinds) {
    if (random() % 2 == 0) faults.*kind.chance = 0;
  }
  return faults;
}

}  // namespace mailhub::sim
