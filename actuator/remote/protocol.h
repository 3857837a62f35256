// Encodes requests to a host's runner and parses its replies; both are framed. docs/runner.md
// describes them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "actuator/engine/remote.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::remote {

// The sender: a host obeys one journal, and its latest epoch.
struct Identity {
  std::string journal_id;  // [A-Za-z0-9._-]+, at most 64 characters
  uint64_t epoch = 0;      // at most 999,999,999
};

// The exchange's own fields, beside the engine's request.
struct Exchange {
  std::string nonce;     // comes back in the reply and identifies it
  Milliseconds wait{0};  // kRun: how long the runner waits for the command's end
  // kRun, kLaunch: after this time the runner begins no command. 0: no limit
  Milliseconds within{0};
  Milliseconds grace{0};  // kCancel: between TERM and KILL
  // Asks the host to obey this journal from now on; of the request only the host is used.
  bool takeover = false;
  // Asks what a run would meet, and changes nothing; of the request only host and command are used:
  // one command a line.
  bool check = false;
};

// The answer to a check.
struct Checked {
  std::string receipts;  // "ready", "absent", or the kind of error
  std::string receipts_detail;
  std::string fence;  // "free", or the kind of error
  std::string fence_detail;
  std::string runner;  // SHA-256 of the runner that answered; empty: the host has no sha256sum
};

// The request's bytes. kInvalid if a field cannot be encoded: a malformed key, a command with NULs
// or longer than 64 KiB.
Result<std::string> EncodeRequest(const engine::RemoteRequest& request, const Identity& identity,
                                  const Exchange& exchange);

// The fields that a good reply must have beside the directory's identity and the mark. A missing
// field is not guessed: a receipt without a state does not mean "not claimed", and one without a
// status does not mean success.
enum class Told {
  kMark,     // sweep, takeover
  kReceipt,  // run, launch, status, void, cancel: the state, and a finished one's exit status
  kLease,    // hello, arm, renew, disarm
  kChecked,  // check: receipts and fence
};
Told ToBeTold(engine::RemoteVerb verb, bool takeover);

// Assembles a reply from pieces. Confined to one thread.
class ReplyReader {
 public:
  ReplyReader(std::string nonce, Told told) : nonce_(std::move(nonce)), told_(told) {}

  // True once the reply is complete, or can no longer become one. Skips output before it (a chatty
  // login script); gives up after 64 KiB of that.
  bool Feed(std::string_view bytes);
  // Whether a part of a reply has been seen: then a runner was there.
  bool Begun() const { return begun_; }
  // Call after Feed() was true. The runner's own errors get the kinds that RemoteReply describes; a
  // garbled reply is kOutcomeUnknown with the defect as message. `host` begins messages.
  engine::RemoteReply Take(const std::string& host) const;
  const Checked& checked() const { return checked_; }  // of a check that did not fail

 private:
  // Each returns the defect, or nothing.
  std::string ParseHeader(std::string_view header);
  std::string ParseField(std::string_view name, std::string_view value);
  std::string WhatIsMissing() const;
  bool Break(std::string why);

  const std::string nonce_;
  const Told told_;
  std::string buffer_;
  bool begun_ = false;
  std::string broken_;            // the reply's defect
  std::set<std::string> fields_;  // fields in the header
  size_t body_at_ = 0;
  size_t body_bytes_ = 0;
  bool failed_ = false;  // its result is an error
  std::string error_;
  std::string message_;
  engine::Receipt receipt_;
  engine::RemoteReply reply_;
  Checked checked_;
};

}  // namespace mailhub::remote
