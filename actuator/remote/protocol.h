// The words spoken with the runner on a host: one request, one reply, both framed. docs/runner.md
// describes them.
#pragma once

#include <cstdint>
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
  bool takeover =
      false;  // asks to obey this journal from now on; of the request only the host counts
};

// The request's bytes. kInvalid if a field cannot be said: a key that is none, a command with NULs
// or longer than 64 KiB.
Result<std::string> EncodeRequest(const engine::RemoteRequest& request, const Identity& identity,
                                  const Exchange& exchange);

// Puts a reply together from whatever pieces arrive. Confined to one thread.
class ReplyReader {
 public:
  explicit ReplyReader(std::string nonce) : nonce_(std::move(nonce)) {}

  // True once the reply is complete or can no longer become one. What precedes it (a chatty login
  // script) is skipped; more than 64 KiB of that is given up.
  bool Feed(std::string_view bytes);
  // Whether anything of a reply has been seen: then a runner was there.
  bool Begun() const { return begun_; }
  // After Feed() was true. The runner's own errors are mapped to kinds as RemoteReply says; a
  // garbled reply is kOutcomeUnknown. `host` begins messages.
  engine::RemoteReply Take(const std::string& host) const;

 private:
  bool ParseHeader(std::string_view header);

  const std::string nonce_;
  std::string buffer_;
  bool begun_ = false;
  bool broken_ = false;
  size_t body_at_ = 0;
  size_t body_bytes_ = 0;
  std::string error_;
  std::string message_;
  engine::Receipt receipt_;
  engine::RemoteReply reply_;
};

}  // namespace mailhub::remote
