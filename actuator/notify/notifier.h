// Tells receivers what the journal says: follows it, keeps how far each receiver has come, and owns
// the receivers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actuator/api/receivers.h"
#include "actuator/engine/view.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/receiver_store.h"
#include "actuator/notify/follower.h"
#include "actuator/notify/receiver.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/base/result.h"

namespace mailhub::notify {

struct NotifierOptions {
  std::string journal;  // its file; JOURNAL.receivers is kept beside it
  // The engine's newest committed state; never null.
  std::function<std::shared_ptr<const engine::View>()> look;
  const Clock* clock = nullptr;
  // How often the view is looked at for what no event tells.
  Milliseconds look_pause{1'000};
};

// Owns a thread that reads the journal, and one for each receiver. It delays nobody: what goes wrong
// here is logged and tried again. Thread-safe but for Start() and Stop().
class Notifier final : public api::Receivers {
 public:
  explicit Notifier(NotifierOptions options);
  ~Notifier() override;  // stops

  // Call before anything is committed after the event `last_seq`: receivers that are new begin
  // there, and that is on disk when it returns, if the disk takes it.
  void Start(const std::string& journal_id, uint64_t last_seq,
             std::vector<ReceiverOptions> receivers);
  // The receivers from now on. Returns at once.
  void Use(std::vector<ReceiverOptions> receivers);
  // Events up to this one are committed, some of them about a run. Returns at once.
  void Committed(uint64_t seq);
  // Requests under way end. Returns at once.
  void Cancel();
  // At most 1 s. Idempotent.
  void Stop();

  std::vector<api::ReceiverStatus> List() const override;
  Result<api::ReceiverAnswer> Test(const std::string& name) override;

 private:
  using Named = std::map<std::string, std::shared_ptr<Receiver>>;

  // --- owner thread only, or before it runs
  void Run();
  void Apply(std::vector<ReceiverOptions> receivers);
  void OpenStore();
  void Turn();
  void ReadJournal();
  void NoteLate(const engine::View& view);
  bool PushLate(WallTime until);
  void Save(bool whole);
  void Trouble(const char* what, const Error& error);

  const NotifierOptions options_;
  const journal::JournalReader journal_;

  std::string journal_id_;
  std::optional<journal::ReceiverStore> store_;
  std::optional<SteadyTime> store_due_;  // the next try to open it
  std::vector<journal::ReceiverCursor> saved_;
  SteadyTime saved_at_;
  Follower follower_;
  uint64_t read_ = 0;                       // events up to this one are pushed
  std::set<std::string> late_;              // runs that are noted as late
  std::deque<journal::LateRun> late_next_;  // not pushed yet
  std::string last_trouble_;

  Guarded<Named> receivers_;
  std::atomic<uint64_t> committed_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable news_;
  // Protected by mutex_:
  bool woken_ = false;
  std::optional<std::vector<ReceiverOptions>> wanted_;

  std::jthread owner_;  // last: it uses all of the above
};

}  // namespace mailhub::notify
