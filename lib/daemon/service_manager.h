// Telling systemd how we are. libsystemd stays in the .cc. Everything here does nothing when nobody
// asked.
#pragma once

#include "lib/base/clock.h"

namespace mailhub::daemon {

void NotifyReady();
void NotifyReloading();
void NotifyStopping();
void NotifyAlive();

// How often NotifyAlive is to be called; 0: never.
Milliseconds AliveInterval();

}  // namespace mailhub::daemon
