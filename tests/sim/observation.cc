// See observation.h.
#include "tests/sim/observation.h"

#include <sstream>

namespace mailhub::sim {
namespace {

struct Teller {
  std::ostream& out;

  void operator()(const Recorded& recorded) const {
    const engine::Event& event = recorded.event;
    out << "journal " << event.seq << ' ' << event.run.substr(0, 6) << ' '
        << engine::Name(event.body);
    std::visit(
        [&](const auto& body) {
          if constexpr (requires { body.path; }) out << ' ' << body.path;
          if constexpr (requires { body.attempt; }) out << " #" << body.attempt;
          if constexpr (requires { body.epoch; }) out << " epoch " << body.epoch;
          if constexpr (requires { body.mode; }) out << ' ' << engine::Name(body.mode);
          if constexpr (requires { body.verb; }) out << ' ' << engine::Name(body.verb);
          if constexpr (requires { body.reason; }) out << ' ' << engine::Name(body.reason);
          if constexpr (requires { body.notification; }) {
            out << ' ' << body.notification << ' ' << body.fingerprint << ' '
                << engine::Name(body.decision);
          }
          if constexpr (requires { body.receipt; }) {
            out << ' ' << engine::Name(body.receipt.state) << ' ' << body.receipt.exit_status
                << (body.receipts_lost ? " (receipts lost)" : "");
          }
          if constexpr (requires { body.plan.runbook; }) out << ' ' << body.plan.runbook;
          if constexpr (requires { body.result; }) out << ' ' << engine::Name(body.result);
          if constexpr (requires { body.detail; }) out << ' ' << body.detail;
        },
        event.body);
  }
  void operator()(const DeedBegan& deed) const {
    out << deed.host << " begins " << deed.key << ' ' << deed.command.substr(0, 60)
        << (deed.by_dead_man ? " (dead man)" : " for " + deed.by.journal + ' ')
        << (deed.by_dead_man ? "" : std::to_string(deed.by.epoch));
  }
  void operator()(const DeedEnded& deed) const {
    out << deed.host << " ended " << deed.key << ' '
        << (deed.exit_status ? std::to_string(*deed.exit_status) : "by going down");
  }
  void operator()(const GatePassed& gate) const {
    out << "gate passed, about";
    for (const std::string& host : gate.about) out << ' ' << host;
    out << ", on evidence since " << gate.oldest_evidence_ms;
  }
  void operator()(const TriedOtherwise& tried) const {
    out << "tried otherwise: " << tried.notification << ": " << tried.difference;
  }
  void operator()(const Answered& answered) const { out << "2xx for " << answered.notification; }
  void operator()(const HostHeard& heard) const {
    out << heard.host << " obeys epoch " << heard.epoch;
  }
  void operator()(const HostPestered& pestered) const { out << pestered.host << " is pestered"; }
  void operator()(const HostLost& lost) const {
    out << lost.host << " goes down" << (lost.receipts ? " and loses its receipts" : "");
  }
  void operator()(const KeyChanged& changed) const {
    out << changed.host << (changed.wrong ? " has another key" : " has its key again");
  }
  void operator()(const LeaseChanged& changed) const {
    out << changed.host << (changed.armed ? " arms " : " no longer arms ") << changed.key;
    if (changed.armed) out << " until " << changed.expires_ms;
  }
  void operator()(const ServiceChanged& changed) const {
    out << changed.host << ' ' << changed.name << (changed.up ? " is up" : " is stopped");
  }
  void operator()(const ClockStepped& stepped) const {
    out << "clock steps by " << stepped.by_ms / 1000 << " s";
  }
  void operator()(const ActuatorIs& is) const {
    out << "the actuator is " << (is.up ? "up" : "not up");
  }
  void operator()(const Asked& asked) const {
    out << asked.by << " asks for " << engine::Name(asked.verb) << " of " << asked.run.substr(0, 6)
        << ", seen at " << asked.step << " #" << asked.attempt
        << (asked.pause > 0 ? " paused" : "");
    for (const uint64_t hold : asked.holds) out << " held by event " << hold;
  }
  void operator()(const Looked& looked) const {
    out << "silenced:";
    for (const auto& [host, runbook] : looked.silenced) out << ' ' << host << " by " << runbook;
  }
  void operator()(const Happened& happened) const { out << happened.what; }
  void operator()(const CameToRest&) const { out << "at rest"; }
};

}  // namespace

std::string Tell(const History& history) {
  std::ostringstream story;
  for (const Observation& observation : history) {
    story << observation.at_ms << "ms ";
    std::visit(Teller{story}, observation.what);
    story << '\n';
  }
  return story.str();
}

}  // namespace mailhub::sim
