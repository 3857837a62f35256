// Episodes: the state of each firing alert that matches a trigger, and the ends of earlier ones.
// They follow the recorded decisions; decisions.h makes these.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

struct Episode {
  Alert alert;
  std::string trigger;
  std::string run;  // that answers for it; empty: none
  Decision decision = Decision::kStartedRun;
  std::string detail;
  WallTime decided;
  WallTime newest_start;  // newest start heard since; a repeat of it is the same alert
  std::optional<WallTime> run_finished;
  bool run_succeeded = false;     // then
  bool heard_again = false;       // after that
  SteadyTime finished;            // the same as run_finished; of a replayed one set at the start
  int tries = 0;                  // runs that have answered it, `run` included
  bool gave_up = false;           // its further run was dropped
  std::string by;                 // AlertDecided::by of the notification that opened it
  std::optional<SteadyTime> due;  // when it is decided again without a notification; this life only
};

// The known ends of earlier alerts with one fingerprint.
struct Ended {
  WallTime starts_at;  // of the last alert whose end was reported
  WallTime reported;
  SteadyTime at;      // time of that report; of a replayed one set at the start
  WallTime replaced;  // start of the last alert that was replaced or closed before its end
};

// Whether such an alert is later decided again without a notification.
bool Waits(Decision decision);

class Episodes {
 public:
  // `context` must outlive it.
  explicit Episodes(const Context* context) : context_(*context) {}
  // A copy for another context, which must outlive it.
  Episodes(const Context* context, const Episodes& other)
      : context_(*context),
        episodes_(other.episodes_),
        waiting_(other.waiting_),
        succeeded_(other.succeeded_),
        started_(other.started_),
        ended_(other.ended_),
        ended_order_(other.ended_order_) {}

  // Call once the clock has started. The age of replayed ends is set by the wall clock.
  void Start();
  void Apply(const AlertDecided& decided, WallTime at);
  void Apply(const EpisodeClosed& closed);
  // The run has finished. It answers for the alert that started it, and for those that joined
  // before it acted. The others are decided again.
  void Release(const Run& run, WallTime at);

  const Episode* Find(const std::string& fingerprint) const;   // null: none
  const Ended* LastEnd(const std::string& fingerprint) const;  // null: none known
  // No run answers for it; it will be decided again without a notification.
  bool IsWaiting(const std::string& fingerprint) const { return waiting_.contains(fingerprint); }
  // Whether other episodes than `fingerprint` have this run.
  bool OthersHave(const std::string& run, const std::string& fingerprint) const;
  size_t size() const { return episodes_.size(); }
  // Its run has succeeded, and it may have ended.
  bool IsRemedied(const Episode& episode) const;
  // AlertDecided::newest_start for such a decision.
  WallTime NewestStart(const Alert& alert, Decision decision) const;

  // Takes those that are due to be decided again, the longest waiting first. Each is due again
  // later.
  std::vector<std::string> TakeDue();
  // Takes those that still fire after their run, and may have another one. Each once.
  std::vector<std::string> TakeStillFiring();
  // `active`: whether alerts are decided again now.
  std::optional<SteadyTime> NextDeadline(bool active) const;

  void AddTo(View* view) const;

 private:
  Ended& EndOf(const std::string& fingerprint);
  void NoteReplaced(const std::string& fingerprint, WallTime starts_at);
  void Forget(const std::string& fingerprint);
  void Unanswered(const std::string& fingerprint, Episode* episode);
  void Drop(const Run& run, WallTime at);
  // Its run has succeeded and it goes on firing after its trigger's grace.
  bool StillFires(const Episode& episode) const;
  const Trigger* TriggerOf(const Episode& episode) const;  // null: it is gone
  std::optional<SteadyTime> StillFiringFrom(const Episode& episode) const;
  bool SharesOnlyIf(const Run& run, const Episode& episode) const;
  EpisodeView Look(const Episode& episode) const;

  const Context& context_;
  std::map<std::string, Episode> episodes_;  // by fingerprint
  std::set<std::string> waiting_;            // those of them that no run answers for
  std::set<std::string> succeeded_;  // those of them whose run has succeeded, until they still fire
  SteadyTime started_{};             // this program
  std::map<std::string, Ended> ended_;   // by fingerprint
  std::deque<std::string> ended_order_;  // oldest first
};

}  // namespace mailhub::engine
