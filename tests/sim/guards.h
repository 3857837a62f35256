// Judges the services that runs stop. Each performed effect is still valid. Each dead man that
// acted is visibly held until a person answers. A stopped service is at every instant running,
// guarded or visibly held.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/known.h"

namespace mailhub::sim {

// Confined to one thread.
class Guards {
 public:
  explicit Guards(const Known* known) : known_(known) {}

  Complaint Begins(const DeedBegan& deed);
  void See(const LeaseChanged& changed);
  void See(const ServiceChanged& changed);
  void See(const HostLost& lost);
  // Call before the run is given the event.
  Complaint Record(const engine::Run& run, const engine::DeadManRestored& body);
  Complaint Record(const engine::Run& run, const engine::OperatorActed& body);
  Complaint Record(const engine::Run& run, const engine::RunFinished& body);
  // Judges the state that lasts.
  Complaint Standing() const;
  Complaint AtRest() const;

  bool HasActed(const std::string& lease) const;
  bool HasActedFor(const std::string& run) const;

 private:
  struct Guard {
    std::string host;
    bool armed = false;
    int64_t expires_ms = 0;
    int64_t acted_ms = -1;  // when the host acted by itself; -1: it has not
    bool answered = false;  // a person knows
  };
  struct Outage {
    std::string run;
    std::string path;  // path of the step that stopped it
  };
  bool HasFailed(const engine::Run& run, const Outage& outage) const;
  bool IsGuarded(const std::string& host, const std::string& service, const Outage& outage) const;

  const Known* const known_;
  std::map<std::string, Guard> guards_;                      // by RUN/PATH
  std::set<std::string> acted_;                              // RUN/PATH of dead men that ever acted
  std::set<std::pair<std::string, std::string>> to_answer_;  // run, path
  std::set<std::pair<std::string, std::string>> given_up_;   // likewise: by a person's answer
  std::map<std::pair<std::string, std::string>, Outage> down_;  // host, service
  std::map<std::string, int64_t> receipts_lost_ms_;             // by host
};

}  // namespace mailhub::sim
