// The API's answers about what would happen, as plain structs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actuator/ctl/model.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

// A trigger before the one that answers, and its first matcher that does not match.
struct PassedTrigger {
  std::string trigger, label, sign, expected;
  std::optional<std::string> value;  // of the alert's label
};

struct Trial {
  std::string alertname, fingerprint, status, decision, detail, trigger, run;
  bool new_run = false;
  std::optional<std::map<std::string, std::string>> parameters;
  std::vector<PassedTrigger> passed;
  std::string only_if;
  std::optional<bool> holds;  // nothing: not known, and `why` says so
  std::string why;
};

struct Trials {
  std::vector<Trial> alerts;
  uint64_t left_out = 0;
};

struct LiveGate {
  std::string path, step, expr;
  Gate now;
};

struct HostFact {
  std::string about, known, why;
};

struct LiveHost {
  std::string host;
  std::vector<HostFact> facts;
};

struct LiveLock {
  std::string lock, run, runbook, state;
};

struct Cooldown {
  std::string trigger, run;
  double left_s = 0;
};

struct Finding {
  std::string about, what, remedy;
};

struct LivePlan {
  Plan plan;
  std::vector<LiveGate> gates;
  std::vector<LiveHost> hosts;
  std::vector<LiveLock> locks;
  std::vector<Cooldown> cooldowns;
  std::string mode;
  std::vector<Finding> obstacles;
  std::vector<Finding> unknowns;
};

// As in model.h.
Result<Trials> ParseTrials(const std::string& data);
Result<LivePlan> ParseLivePlan(const std::string& data);

// A notification of one alert, in Alertmanager's format. It has the fingerprint that Alertmanager
// gives to an alert with exactly these labels. `now`: RFC 3339.
std::string NotificationJson(const std::map<std::string, std::string>& labels, bool firing,
                             const std::string& now);

}  // namespace mailhub::ctl
