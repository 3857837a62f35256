// What a host can tell before a run, without any change on it. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/words.h"

namespace mailhub::engine {

enum class Known { kYes, kNo, kUnknown };
constexpr auto WordsOf(Known) {
  using enum Known;
  return Vocabulary<Known>({{kYes, "yes"}, {kNo, "no"}, {kUnknown, "unknown"}});
}

enum class HostQuestion {
  kReachable,  // a connection is made
  kHostKey,    // the host's key is the known one
  kLogin,      // the host accepts our key
  kRunner,     // the runner is there, or can be put there, and speaks our protocol
  kReceipts,   // the receipts directory can be used
  kFence,      // the host obeys this journal
  kCommands,   // the host allows each command of the plan
};
constexpr auto WordsOf(HostQuestion) {
  using enum HostQuestion;
  return Vocabulary<HostQuestion>({
      {kReachable, "reachable"},
      {kHostKey, "host_key"},
      {kLogin, "login"},
      {kRunner, "runner"},
      {kReceipts, "receipts"},
      {kFence, "fence"},
      {kCommands, "commands"},
  });
}

struct HostFact {
  HostQuestion about = HostQuestion::kReachable;
  Known known = Known::kUnknown;
  std::string why;  // a sentence; with kNo it says what to do, if that is known
};

struct HostReport {
  std::string host;
  std::vector<HostFact> facts;  // one for each question, in the order above
};

struct HostCheck {
  std::string host;
  std::vector<std::string> commands;  // as steps and dead men send them
  std::string journal_id;             // the asking actuator
  uint64_t epoch = 0;
  SteadyTime deadline;  // what is not known by then is unknown
};

}  // namespace mailhub::engine
