// Notifies systemd of the program's state; does nothing without systemd. libsystemd stays in the
// .cc.
#pragma once

#include "lib/base/clock.h"

namespace mailhub::daemon {

void NotifyReady();
void NotifyReloading();
void NotifyStopping();
void NotifyAlive();

// The program is killed when NotifyAlive is not called for so long (WatchdogSec=); 0: no watchdog.
Milliseconds WatchdogLimit();

}  // namespace mailhub::daemon
