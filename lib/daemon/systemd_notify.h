// Notifies systemd of the program's state; does nothing without systemd. libsystemd stays in the
// .cc.
#pragma once

#include "lib/base/clock.h"

namespace mailhub::daemon {

void NotifyReady();
void NotifyReloading();
void NotifyStopping();
void NotifyAlive();

// The time between calls of NotifyAlive; 0: none needed.
Milliseconds AliveInterval();

}  // namespace mailhub::daemon
