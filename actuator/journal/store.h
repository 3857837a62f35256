// What the service needs of a journal: the seam at which tests make commits fail.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What Replay leaves out.
enum class Scope {
  kEverything,
  // What a state can be rebuilt from that decides as the whole would: runs not yet swept and the
  // newest 50 finished ones with all their events; of older ones, begin and end of those that
  // cooldowns, expected durations or open episodes rest on; of alerts, those that opened an episode
  // that is open and its last repeat, and the last end of each; and always the last event. A start
  // must not read a million rows.
  kWhatStillMatters,
};

// Confined to one thread at a time.
class EventStore {
 public:
  virtual ~EventStore() = default;

  // Random 128-bit hex, given at creation: what hosts know this journal by.
  virtual const std::string& id() const = 0;
  // Of the last committed event; 0 when there is none.
  virtual uint64_t last_seq() const = 0;

  // Calls `each` for the events in their order. kCorrupt when one is missing or cannot be read;
  // what `each` has seen by then must be thrown away.
  virtual Status Replay(Scope scope, const std::function<void(const engine::Event&)>& each) = 0;

  // Records all of them, durably, or none. Events that are there already (the commit happened
  // although it was reported failed) must be the same and are not recorded again. Errors:
  //   kOverloaded      disk full or busy, or the file is not where it was: nothing recorded
  //   kOutcomeUnknown  an I/O error, or the file was moved meanwhile: perhaps recorded. Append the
  //                    same again
  //   kRefused         the file has become read-only: nothing recorded
  //   kCorrupt         other events stand under these numbers, numbers would be missing, or what
  //                    was recorded is not there any more: stop
  // After any error the store may be used again.
  virtual Status Append(std::span<const engine::Event> events) = 0;
};

}  // namespace mailhub::journal
