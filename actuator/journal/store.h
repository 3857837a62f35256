// The service's interface to a journal. Tests use it to make commits fail.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The events that Replay calls.
enum class Scope {
  kEverything,
  // The events that give a state with the same decisions as the whole journal: all events of runs
  // not yet swept and of the newest 50 finished runs; of older runs, begin and end where cooldowns,
  // expected durations or open episodes need them; of alerts, those that opened an open episode,
  // its last repeat, and the last end of each; and always the last event. A start must not read a
  // million rows.
  kWhatStillMatters,
};

// Confined to one thread at a time.
class EventStore {
 public:
  virtual ~EventStore() = default;

  // Random 128-bit hex, made at creation. Hosts know the journal by it.
  virtual const std::string& id() const = 0;
  // Number of the last committed event; 0 when there is none.
  virtual uint64_t last_seq() const = 0;

  // Calls `each` for the events in order. kCorrupt when one is missing or unreadable; the caller
  // must then discard all that `each` was given.
  virtual Status Replay(Scope scope, const std::function<void(const engine::Event&)>& each) = 0;

  // Records all events durably, or none. Events that are already recorded (a commit that was
  // reported as failed) must be the same and are not recorded again. Errors:
  //   kOverloaded      disk full or busy, or the file is not where it was: nothing recorded
  //   kOutcomeUnknown  an I/O error, or the file was moved meanwhile: perhaps recorded. Append the
  //                    same again
  //   kRefused         the file has become read-only: nothing recorded
  //   kCorrupt         other events have these numbers, numbers would be missing, or recorded
  //                    events are gone: stop
  // After any error the store may be used again.
  virtual Status Append(std::span<const engine::Event> events) = 0;
};

}  // namespace mailhub::journal
