// `run watch`: follows one run until it ends or needs a person.
#pragma once

#include <string>

#include "actuator/ctl/api_client.h"
#include "lib/base/clock.h"

namespace mailhub::ctl {

struct WatchOptions {
  std::string run;      // an id or its beginning; empty: the newest unfinished run
  std::string runbook;  // with an empty `run`: of this runbook only
  Milliseconds interval{1'000};
  Milliseconds wait_for{0};            // with an empty `run`: how long to wait for a run to appear
  Milliseconds give_up_after{60'000};  // how long the actuator may be unreachable afterwards
  bool until_finished = false;         // continue while the run holds
};

// Redraws in place on a terminal, else prints a line per change. Returns the exit status: 0
// succeeded, 2 held, 1 anything else; errors go to standard error.
int Watch(ApiClient& api, const WatchOptions& options);

}  // namespace mailhub::ctl
