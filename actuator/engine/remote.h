// The engine's requests to a host's runner, and the answers. Plain data: the adapter in
// actuator/remote speaks SSH, the simulator's hosts apply the same rules in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"
#include "lib/base/clock.h"
#include "lib/base/words.h"

namespace mailhub::engine {

// A host's boot and uptime at one moment. Evidence from before it proves nothing about the action.
struct Mark {
  std::string boot_id;
  double uptime_s = 0;

  bool operator==(const Mark&) const = default;
};

enum class RemoteVerb {
  kHello,   // identity of the receipts directory, and a mark
  kRun,     // claim the key and run the command, or return the key's receipt; waits a little
  kLaunch,  // the same for a job: never waits
  kStatus,  // the key's receipt, changing nothing
  kVoid,    // claim the key so that nothing can ever run under it, or return its receipt
  kCancel,  // end the key's whole process group; the receipt comes by kStatus
  kArm,     // dead man: write the lease, start the timer
  kRenew,   // dead man: the lease starts anew
  kDisarm,  // dead man: remove lease and timer
  kSweep,   // remove the run's receipts, and refuse its keys from now on, also to a delayed runner
};
constexpr auto WordsOf(RemoteVerb) {
  using enum RemoteVerb;
  return Vocabulary<RemoteVerb>({
      {kHello, "hello"},
      {kRun, "run"},
      {kLaunch, "launch"},
      {kStatus, "status"},
      {kVoid, "void"},
      {kCancel, "cancel"},
      {kArm, "arm"},
      {kRenew, "renew"},
      {kDisarm, "disarm"},
      {kSweep, "sweep"},
  });
}

struct RemoteRequest {
  RemoteVerb verb = RemoteVerb::kHello;
  std::string host;
  std::string key;  // kRun..kCancel: "RUN/PATH/ATTEMPT"; kArm..kDisarm: "RUN/PATH"; kSweep: "RUN"
  std::string command;       // kRun, kLaunch; kArm: the restoring command
  std::string directory_id;  // the receipts directory's identity as recorded; empty with kHello
  Milliseconds after{0};     // kArm, kRenew
  // kArm, kDisarm: how often the key has been armed. A delayed request to disarm does not remove
  // anything armed after it.
  int generation = 0;
  // kRun, kLaunch: must not be sent at or after this moment; the answer is kUnreachable instead.
  std::optional<SteadyTime> begin_before = std::nullopt;
};

enum class ReceiptState {
  kNone,         // kStatus: the key is not claimed
  kRunning,      // claimed and alive
  kFinished,     // has an exit status
  kInterrupted,  // claimed, not alive, no exit status: its progress is unknown
  kVoid,         // claimed as "never runs"
};
constexpr auto WordsOf(ReceiptState) {
  using enum ReceiptState;
  return Vocabulary<ReceiptState>({
      {kNone, "none"},
      {kRunning, "running"},
      {kFinished, "finished"},
      {kInterrupted, "interrupted"},
      {kVoid, "void"},
  });
}

struct Receipt {
  ReceiptState state = ReceiptState::kNone;
  int exit_status = 0;       // kFinished; 128 + signal when a signal ended it
  std::string output;        // the last part of stdout and stderr together, at most 4 KiB
  bool truncated = false;    // there was more output than is kept here
  Milliseconds duration{0};  // kFinished: by the host's clock

  bool operator==(const Receipt&) const = default;
};

enum class LeaseState { kNone, kArmed, kRestored };

struct RemoteReply {
  // Failures: kUnreachable (nothing was sent), kOutcomeUnknown (sent, no answer: ask again with the
  // same key), kRefused (host key, fencing, digest mismatch: a person must look), kCorrupt (the
  // receipts directory is another one than recorded, or gone), kNotFound (kVoid, kStatus, kCancel:
  // the run's receipts are swept, so nothing of it runs or begins any more), kInvalid, kInternal.
  Result<Receipt> receipt = Receipt{};
  std::string directory_id;  // on success: identity of the host's receipts directory
  Mark mark;                 // on success: taken after all that the receipt reports
  // kArm, kRenew, kDisarm; kRestored: the host acted by itself.
  LeaseState lease = LeaseState::kNone;
  // kRestored: when, and the restoring command's exit status. kArmed: a note for people, for
  // instance that the lease does not survive a reboot.
  std::string lease_detail;
  std::optional<int> lease_exit = {};  // kRestored: how the restoring command ended, if it has
};

}  // namespace mailhub::engine
