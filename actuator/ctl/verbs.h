// `run pause`, `resume`, `confirm`, `cancel`, `retry`, `skip`, `resolve`.
#pragma once

#include <string>

#include "actuator/ctl/api_client.h"
#include "actuator/ctl/commands.h"

namespace mailhub::ctl {

// What a person typed.
struct Verb {
  std::string word;
  std::string run;
  std::string reason;
  int hold = 0;      // 0: not given
  int pause = 0;     // of `resume`; 0: not given
  std::string step;  // of `confirm`; empty: not given
  int attempt = 1;
};

// A verb that does not say what it answers is not sent: what the run asks now is shown instead,
// with the commands that answer it, and the status is 1.
int RunAct(ApiClient& api, Format format, const Verb& verb);

}  // namespace mailhub::ctl
