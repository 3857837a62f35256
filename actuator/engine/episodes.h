// Episodes: what is known of each alert that fires and matches a trigger, and of the ends of
// earlier ones. They follow the recorded decisions; what to decide is in decisions.h.
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
  std::string run;  // that answers for it; empty: none does
  Decision decision = Decision::kStartedRun;
  std::string detail;
  WallTime decided;
  WallTime newest_start;  // of all that was heard since: what says it again is the same alert
  std::optional<WallTime> run_finished;
  bool run_succeeded = false;     // then
  bool heard_again = false;       // after that
  std::optional<SteadyTime> due;  // when it is decided afresh by itself; this life only

  bool Remedied() const { return run_finished && run_succeeded && !heard_again; }
};

// What is known of earlier alerts with one fingerprint.
struct Ended {
  WallTime starts_at;  // of the last one whose end was reported
  WallTime reported;
  SteadyTime at;      // the same; of a replayed one set at the start
  WallTime replaced;  // start of the last one that was replaced or closed before its end was known
};

// Whether such an alert is decided afresh by itself later.
bool Waits(Decision decision);

class Episodes {
 public:
  // `context` must outlive it.
  explicit Episodes(const Context* context) : context_(*context) {}

  // Once the clock has started: what was replayed is as long ago as the wall clock says.
  void Start();
  void Apply(const AlertDecided& decided, WallTime at);
  void Apply(const EpisodeClosed& closed);
  // The run has finished: it answers for the alert that started it, and for those that joined
  // before it acted. The others are decided afresh.
  void Release(const Run& run, WallTime at);

  const Episode* Find(const std::string& fingerprint) const;   // null: there is none
  const Ended* LastEnd(const std::string& fingerprint) const;  // null: nothing is known
  // No run answers for it: it is decided afresh by itself.
  bool IsWaiting(const std::string& fingerprint) const { return waiting_.contains(fingerprint); }
  // Whether others than `fingerprint` have this run.
  bool OthersHave(const std::string& run, const std::string& fingerprint) const;
  size_t size() const { return episodes_.size(); }
  // AlertDecided::newest_start of such a decision.
  WallTime NewestStart(const Alert& alert, Decision decision) const;

  // Those that are to be decided afresh now; what has waited longest comes first. Each is due again
  // in a while.
  std::vector<std::string> TakeDue();
  std::optional<SteadyTime> NextDeadline() const;

  void AddTo(View* view) const;

 private:
  Ended& EndOf(const std::string& fingerprint);
  void NoteReplaced(const std::string& fingerprint, WallTime starts_at);
  void Forget(const std::string& fingerprint);
  void Unanswered(const std::string& fingerprint, Episode* episode);
  void Drop(const Run& run);
  bool SharesOnlyIf(const Run& run, const Episode& episode) const;
  EpisodeView Look(const Episode& episode) const;

  const Context& context_;
  std::map<std::string, Episode> episodes_;  // by fingerprint
  std::set<std::string> waiting_;            // those of them that no run answers for
  std::map<std::string, Ended> ended_;       // by fingerprint
  std::deque<std::string> ended_order_;      // oldest first
};

}  // namespace mailhub::engine
