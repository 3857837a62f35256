// One notification: what has happened to a run, in bounded and printable texts. Made of the run's
// view, from its events alone or from the engine's, so both give the same id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/engine/view.h"
#include "actuator/notify/words.h"
#include "lib/base/clock.h"

namespace mailhub::notify {

// Plain data. All texts are printable UTF-8; those from outside have 500 bytes at most.
struct Notice {
  std::optional<Happening> event;  // nothing: a test
  std::string id;                  // letters, digits, ".", "_", "-"
  uint64_t seq = 0;                // the event that it follows from; 0: none
  uint64_t late = 0;               // number of the LateRun that it follows from; 0: none
  WallTime at;                     // when it happened
  std::string run;
  std::string runbook;
  std::string target;
  std::string by;
  std::string step;  // path
  std::string step_name;
  int hold = 0;  // its number; 0: none
  std::string reason;
  std::string result;
  std::string detail;
  std::string commands;   // what to type, one a line
  std::string link = {};  // of the run at the actuator; "": its URL is not known
};

const char* Word(const Notice& notice);  // "held" ..., or "test"

// All pure.
Notice HeldNotice(const engine::RunView& run, const engine::HoldView& hold);
Notice WaitingNotice(const engine::RunView& run, const engine::StepView& step, WallTime at);
// Of a run that has ended as failed, succeeded or cancelled.
Notice EndNotice(const engine::RunView& run, WallTime at);
Notice LateNotice(const engine::RunView& run, WallTime at);
// `token` tells one test from another.
Notice TestNotice(const std::string& receiver, const std::string& token, WallTime at);

// Held, waiting and late runs of the engine's view, with the time from which they are so; a late
// run's is its start, because the view does not tell more. No further run once there are 500.
inline constexpr size_t kMostStanding = 500;
std::vector<Notice> StandingNotices(const engine::View& view);

// The notice in one sentence. `quote` marks text from outside.
using Quote = std::string (*)(std::string_view);
std::string Sentence(const Notice& notice, Quote quote);

// "3 earlier notifications were left out: ..."; empty for 0.
std::string LeftOutSentence(uint64_t left_out);

}  // namespace mailhub::notify
