// One life of the actuator as its service runs it: the real engine over a journal, commits before
// effects. A callback at each seam decides whether it dies, stalls or fails to write.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/engine.h"
#include "tests/sim/journal_file.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

enum class Seam { kBeforeCommit, kAfterCommit, kEffect };
enum class Fate {
  kGoOn,
  kCrash,
  kStall,             // until Resume(); meanwhile another has taken its place
  kPause,             // until Resume(); no other has
  kCommitFails,       // nothing was recorded
  kCommitSeemsToFail  // it was recorded
};

class Actuator : public std::enable_shared_from_this<Actuator> {
 public:
  struct Seams {
    World* world = nullptr;
    JournalFile* journal = nullptr;
    std::vector<engine::Trigger> triggers;
    const engine::PlanSource* plans = nullptr;
    std::shared_ptr<const engine::Calendar> calendar;
    std::function<std::string()> ids;
    std::function<Fate(Seam)> fate;
    // Whether it is the one that may act, and not a deposed or foreign one.
    std::function<bool()> in_office;
    // An event is in the journal.
    std::function<void(const engine::Event&)> recorded;
    // A notification is answered 2xx.
    std::function<void(const engine::Notification&)> answered;
    // A notification was tried just before it was decided; `difference`: what the decisions then
    // were instead, empty if they were the same.
    std::function<void(const std::string& notification, const std::string& difference)> tried;
    std::function<WallTime()> wall;
  };
  explicit Actuator(Seams seams);

  void Start();  // replays the journal and continues
  void Feed(engine::Input input);
  void Resume();
  // Does all work that is due.
  void Wake();
  int64_t NextWakeMs() const;
  // Accepts requests: not stalled, dead, or waiting for its journal.
  bool Ready() const { return !dead_ && !stalled_ && !blocked_; }
  bool dead() const { return dead_; }
  engine::View Look() const { return engine_.Look(Now()); }

 private:
  void Run();
  bool FinishTurn();
  bool Commit();
  bool Survives(Seam seam);
  void Perform(const engine::Effect& effect);
  void PerformNow(const engine::Effect& effect);
  void AskHost(const engine::RemoteRequest& request,
               const std::function<void(engine::RemoteReply)>& then);
  void WaitOutFailure();
  void Renew(int64_t left_ms);
  engine::Moment Now() const;
  int64_t AtMs(SteadyTime time) const;  // of the world

  const Seams seams_;
  const int64_t born_ms_;
  int64_t retry_ms_ = 0;
  engine::Engine engine_;
  std::deque<engine::Input> inbox_;
  engine::Output turn_;
  std::vector<engine::AlertTrial> Try(const engine::Notification& notification) const;

  std::optional<engine::Notification> asked_;  // whose answer is pending in the turn
  size_t performed_ = 0;                       // of the turn's effects
  bool committed_ = true;
  bool in_turn_ = false;
  bool running_ = false;
  bool blocked_ = false;
  bool stalled_ = false;
  bool dead_ = false;
};

}  // namespace mailhub::sim
