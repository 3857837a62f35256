// What waits for one receiver, what is sent next, and when. No thread, no clock, no I/O: the time
// and the answers go in.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/engine_clock.h"
#include "actuator/notify/body.h"
#include "actuator/notify/notice.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"

namespace mailhub::notify {

inline constexpr size_t kMostPending = 100;
inline constexpr Milliseconds kFirstRetry{1'000};
inline constexpr Milliseconds kLongestRetry{300'000};
// To an Alertmanager: how often what lasts is sent again, and for how long each time is good.
inline constexpr Milliseconds kRepost{60'000};
inline constexpr Milliseconds kGoodFor{300'000};
// How long an alert about an end of a run lasts there.
inline constexpr Milliseconds kEndLasts{3'600'000};

using engine::Moment;

struct DeliveryOptions {
  Format format = Format::kPlain;
  std::set<Happening> events;
  Milliseconds keep{0};
  std::function<uint64_t()> random;  // for the waits
};

// One request to be made.
struct Outgoing {
  std::string id;  // for Idempotency-Key
  std::string body;
};

// What came of it.
enum class Verdict {
  kTaken,
  kRefused,  // sending it again does not help
  kLater,
};
struct Reply {
  Verdict verdict = Verdict::kLater;
  std::string why;                        // unless kTaken
  std::optional<Milliseconds> wait = {};  // as the receiver wishes; kLater
};

// How far a receiver has come: for the store and the metrics.
struct Progress {
  uint64_t seq = 0;  // the last event that needs nothing more
  uint64_t late = 0;
  uint64_t left_out = 0;
  std::optional<WallTime> last_success;
  std::optional<bool> up;  // whether the last attempt was taken; nothing: none yet
  std::string trouble;     // why not
  size_t pending = 0;
  // Since the start:
  uint64_t sent = 0;    // notifications taken
  uint64_t failed = 0;  // attempts
  std::map<Drop, uint64_t> dropped;
};

// Confined to one thread at a time. One request is under way at most: after Next() gave one comes
// Answered().
class Delivery {
 public:
  Delivery(DeliveryOptions options, Progress before);

  // In the order in which they are to be told. Those that the receiver does not want, or had before
  // (by `before`), are passed over.
  void Push(const Notice& notice);
  // All events up to that one were pushed.
  void Reached(uint64_t seq);
  // What lasts now, for an Alertmanager; replaces what lasted before. Others ignore it.
  void Stand(const std::vector<Notice>& standing, WallTime now);

  // What is to be sent now; nothing: look again at Due(), or after another call.
  std::optional<Outgoing> Next(const Moment& now);
  void Answered(const Reply& reply, const Moment& now);
  // An attempt beside the order of things, a test: it tells whether the receiver answers.
  void Tried(const Reply& reply, const Moment& now);
  // Nothing: not before another call.
  std::optional<SteadyTime> Due() const;

  Progress Look() const;

 private:
  // An alert that lasts or has ended, and whether Alertmanager has heard of that.
  struct Standing {
    Notice notice;
    std::optional<WallTime> ended;
    bool told = false;
  };

  bool Stands() const { return options_.format == Format::kAlertmanager; }
  bool Lasts(const Notice& notice) const;
  size_t Pending() const;
  void Give(Drop why);
  std::optional<Outgoing> NextAlerts(const Moment& now);
  void Taken(const Moment& now);

  const DeliveryOptions options_;
  Progress progress_;  // its seq and late are of what was reached; see Look()
  std::deque<Notice> queue_;
  std::map<std::string, Standing> standing_;                      // by id
  size_t in_flight_ = 0;                                          // of the queue, from its front
  std::vector<std::pair<std::string, bool>> in_flight_standing_;  // id, and whether as ended
  Backoff backoff_;
  std::optional<SteadyTime> retry_at_;
  std::optional<SteadyTime> repost_at_;
};

}  // namespace mailhub::notify
