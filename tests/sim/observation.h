// The history of a simulated world as one sequence: the journal's events beside the hosts' real
// actions. The invariants judge it, falsified copies show that they find errors, and a failing seed
// prints it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/input.h"

namespace mailhub::sim {

// The sender of a request to a host.
struct Sender {
  std::string journal;
  uint64_t epoch = 0;
  int64_t begin_by_ms = INT64_MAX;  // no command begins at or after this time
};

struct Recorded {  // in the journal that the hosts obey
  engine::Event event;
};
struct DeedBegan {  // a command began on a host
  std::string host;
  std::string key;
  std::string command;
  bool by_dead_man = false;
  Sender by;
};
struct DeedEnded {
  std::string host;
  std::string key;
  std::optional<int> exit_status;  // nothing: cut short by a reboot
};
struct GatePassed {
  std::string expr;
  std::vector<std::string> about;
  int64_t oldest_evidence_ms = 0;
};
struct Answered {  // a notification got its 2xx
  std::string notification;
  std::vector<std::string> fingerprints;
};
struct TriedOtherwise {  // what a notification would do was said just before, and it did otherwise
  std::string notification;
  std::string difference;
};
struct HostHeard {  // a host accepted a request from a newer sender than all before
  std::string host;
  uint64_t epoch = 0;
};
struct HostPestered {  // asked far too often
  std::string host;
};
struct HostLost {  // rebooted; its receipts may be gone with it
  std::string host;
  bool receipts = false;
};
struct KeyChanged {  // the host's key is not the known one, or is so again
  std::string host;
  bool wrong = false;
};
struct LeaseChanged {  // armed, renewed, or gone: disarmed or acted upon
  std::string host;
  std::string key;
  bool armed = false;
  int64_t expires_ms = 0;  // by the host's clock
};
struct ServiceChanged {  // a service that a run stops and must restart
  std::string host;
  std::string name;
  bool up = false;
  std::string key = "";  // of the command; empty: the machine's own start
};
struct ActuatorIs {  // the one in office: whether it takes requests and acts
  bool up = false;
};
// Who a person is: a name that counts only after a login.
struct Person {
  std::string name;
  bool login = true;
  engine::Roles roles = {engine::Role::kOperator, engine::Role::kApprover};
};
// A person's request on its way to the actuator, with the state that the person saw.
struct Asked {
  std::string by;  // identifies this request; a repeat has the same. Its reason says it
  std::string run;
  engine::Verb verb = engine::Verb::kStart;
  std::vector<uint64_t> holds;  // numbers of the events that began them
  std::string step;             // the current one
  int attempt = 0;
  int pause = 0;  // its number; 0: it was not paused
  Person person = {};
  bool at_once = false;  // kStart: at any time
};
// Metrics at a look: hosts whose alerts are silenced, and by which runbook.
struct Looked {
  std::vector<std::pair<std::string, std::string>> silenced;  // host, runbook
  std::vector<std::pair<std::string, int64_t>> expected_ms;   // run and its remaining time
};
struct Happened {  // only for the story
  std::string what;
};
struct ClockStepped {
  int64_t by_ms = 0;
};
struct CameToRest {};  // faults are over and nothing is under way

struct Observation {
  int64_t at_ms = 0;
  std::variant<Recorded, DeedBegan, DeedEnded, GatePassed, Answered, TriedOtherwise, HostHeard,
               HostPestered, HostLost, KeyChanged, LeaseChanged, ServiceChanged, ClockStepped,
               ActuatorIs, Asked, Looked, Happened, CameToRest>
      what;
};
using History = std::vector<Observation>;

// One line per observation.
std::string Tell(const History& history);

}  // namespace mailhub::sim
