// `run pause`, `resume`, `confirm`, `cancel`, `retry`, `skip`, `resolve`.
#pragma once

#include <string>

#include "actuator/ctl/api_client.h"
#include "actuator/ctl/commands.h"

namespace mailhub::ctl {

// A command about a run, as typed.
struct Verb {
  std::string word;
  std::string run;
  std::string reason;
  int hold = 0;      // 0: not given
  int pause = 0;     // of `resume`; 0: not given
  std::string step;  // of `confirm`; empty: not given
  int attempt = 1;
};

// A verb that lacks the hold, pause or step that it answers is not sent. Instead the run's open
// questions and the answering commands are shown, and the status is 1.
int RunAct(ApiClient& api, Format format, const Verb& verb);

}  // namespace mailhub::ctl
