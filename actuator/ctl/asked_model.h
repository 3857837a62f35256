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

// Whether the asking person may answer a question of the run.
struct AnswerRight {
  std::string path, question, whom;
  bool may = false;
  std::string why;  // why not
};
struct Person {
  std::string name;
  bool login = false;  // else the name is only a claim
  bool may_start = false;
};

struct Trial {
  std::string alertname, fingerprint, status, decision, detail, trigger, run;
  bool new_run = false;
  std::optional<std::map<std::string, std::string>> parameters;
  std::vector<PassedTrigger> passed;
  std::string only_if;
  std::optional<bool> holds;  // nothing: not known, and `why` says so
  std::string why;
  std::optional<Start> start;  // of a new run
  std::vector<AnswerRight> questions;
};

struct Trials {
  std::vector<Trial> alerts;
  std::optional<Person> person;  // nothing: the actuator does not say it
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
  std::optional<Start> start;
  std::optional<Person> person;  // as above
  std::vector<AnswerRight> questions;
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
