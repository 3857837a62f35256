// The words spoken with the runner on a host: one request, one reply, both framed. docs/runner.md
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

// Who asks: hosts obey one journal, and its latest epoch.
struct Identity {
  std::string journal_id;  // [A-Za-z0-9._-]+, at most 64 characters
  uint64_t epoch = 0;      // at most 999,999,999
};

// What one exchange adds to what the engine wants.
struct Exchange {
  std::string nonce;     // comes back in the reply, so that nothing else is taken for it
  Milliseconds wait{0};  // kRun: how long the runner waits for the command's end
  // kRun, kLaunch: once it has been at it so long, the runner begins no command any more. 0: any
  // time
  Milliseconds within{0};
  Milliseconds grace{0};  // kCancel: between TERM and KILL
  // Asks to obey this journal from now on; of the request only the host counts.
  bool takeover = false;
};

// The request's bytes. kInvalid if a field cannot be said: a key that is none, a command with NULs
// or longer than 64 KiB.
Result<std::string> EncodeRequest(const engine::RemoteRequest& request, const Identity& identity,
                                  const Exchange& exchange);

// What a good reply must say beside the directory's identity and the mark. What it leaves out is
// not guessed: a receipt without a state is no "not claimed", one without a status no success.
enum class Told {
  kMark,     // sweep, takeover
  kReceipt,  // run, launch, status, void, cancel: the state, and a finished one's exit status
  kLease,    // hello, arm, renew, disarm
};
Told ToBeTold(engine::RemoteVerb verb, bool takeover);

// Puts a reply together from whatever pieces arrive. Confined to one thread.
class ReplyReader {
 public:
  ReplyReader(std::string nonce, Told told) : nonce_(std::move(nonce)), told_(told) {}

  // True once the reply is complete or can no longer become one. What precedes it (a chatty login
  // script) is skipped; more than 64 KiB of that is given up.
  bool Feed(std::string_view bytes);
  // Whether anything of a reply has been seen: then a runner was there.
  bool Begun() const { return begun_; }
  // After Feed() was true. The runner's own errors are mapped to kinds as RemoteReply says; a
  // garbled reply is kOutcomeUnknown, and the message says what is wrong with it. `host` begins
  // messages.
  engine::RemoteReply Take(const std::string& host) const;

 private:
  // Each returns what is wrong, or nothing.
  std::string ParseHeader(std::string_view header);
  std::string ParseField(std::string_view name, std::string_view value);
  std::string WhatIsMissing() const;
  bool Break(std::string why);

  const std::string nonce_;
  const Told told_;
  std::string buffer_;
  bool begun_ = false;
  std::string broken_;            // what is wrong with the reply
  std::set<std::string> fields_;  // that the header has
  size_t body_at_ = 0;
  size_t body_bytes_ = 0;
  bool failed_ = false;  // its result is an error
  std::string error_;
  std::string message_;
  engine::Receipt receipt_;
  engine::RemoteReply reply_;
};

}  // namespace mailhub::remote
