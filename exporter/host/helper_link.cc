// One request, one reply; everything that goes wrong in between ends the channel, and the session
// too when nothing at all came: a helper that is late would otherwise answer the wrong question
// next time.
#include "exporter/host/helper_link.h"

#include <algorithm>

#include "exporter/collector/collector.h"
#include "exporter/helper/helper_command.h"
#include "lib/base/digest.h"
#include "lib/base/log.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;

constexpr size_t kReadSize = 64 << 10;
constexpr size_t kMaxNoise = 64 << 10;
constexpr int kNonceBits = 128;
constexpr Milliseconds kStartPatience{5'000};

// How long checks may take: what is left, less a fifth for the reply to be finished and to travel.
Milliseconds CheckBudget(Milliseconds left) {
  return std::max(Milliseconds(10), left - std::max(Milliseconds(50), left / 5));
}

}  // namespace

HelperLink::HelperLink(config::Host host, ssh::SshTarget target, const Clock& clock,
                       LinkObserver& observer)
    : host_(std::move(host)), clock_(clock), session_(std::move(target), clock, observer) {}

// What a failed call amounts to. On a session that lives, it was the helper that is not what it
// should be.
Trouble HelperLink::Broken(const Error& error, SteadyTime deadline) {
  if (clock_.Steady() >= deadline) return {ConnectFailure::kTimeout, error.message};
  const bool alive = session_.get() != nullptr && session_.get()->Alive();
  return {alive ? ConnectFailure::kProtocol : ConnectFailure::kConnect, error.message};
}

std::optional<Trouble> HelperLink::Prepare(SteadyTime deadline) {
  bool is_new = false;
  const SteadyTime begun = clock_.Steady();
  if (channel_ != nullptr && (session_.get() == nullptr || !session_.get()->Alive())) {
    channel_.reset();
  }
  if (auto trouble = session_.Ensure(deadline, &is_new)) return trouble;
  if (channel_ != nullptr) return std::nullopt;
  // After a login that took most of the time, the helper gets its own all the same: no later try
  // would fare better.
  const SteadyTime now = clock_.Steady();
  if (is_new && now - begun > deadline - now) deadline = std::max(deadline, now + kStartPatience);
  auto trouble = StartHelper(deadline);
  if (!trouble) return std::nullopt;
  channel_.reset();
  session_.Drop();
  // A kept session may have died unnoticed; a new one had every chance.
  return is_new ? trouble : Prepare(deadline);
}

std::optional<Trouble> HelperLink::StartHelper(SteadyTime deadline) {
  proven_ = false;
  unread_.clear();
  auto channel = session_.get()->OpenChannel(HelperCommand(), deadline);
  if (!channel) return Broken(channel.error(), deadline);
  channel_ = std::move(*channel);
  const std::string nonce = RandomHex(kNonceBits);
  const auto written = channel_->Write(WriteSpec(host_) + "hello " + nonce + "\n", deadline);
  if (!written) return Broken(written.error(), deadline);
  return AwaitHello(nonce, deadline);
}

// Start-up files may greet first, so everything before the answer is skipped, within a bound.
std::optional<Trouble> HelperLink::AwaitHello(const std::string& nonce, SteadyTime deadline) {
  const std::string answer = "\n" + nonce + " hello ";
  const std::string wanted = answer + "1\n";
  std::string seen;
  while (true) {
    auto state = channel_->Read(&seen, kReadSize, deadline);
    if (!state) return Broken(state.error(), deadline);
    if (*state == ssh::ReadState::kTimeout) {
      return Trouble{ConnectFailure::kTimeout, "the helper did not start in time"};
    }
    const size_t found = seen.find(wanted);
    if (found != std::string::npos) {
      unread_ = seen.substr(found + wanted.size());
      return std::nullopt;
    }
    const size_t other = seen.find(answer);
    if (other != std::string::npos && seen.find('\n', other + answer.size()) != std::string::npos) {
      return Trouble{ConnectFailure::kProtocol, "another version of the helper is installed there"};
    }
    if (*state == ssh::ReadState::kEof) {
      return Trouble{ConnectFailure::kProtocol,
                     "the helper ended at once: " + channel_->TakeStderr().substr(0, 200)};
    }
    if (seen.size() > kMaxNoise) {
      return Trouble{ConnectFailure::kProtocol, "something other than the helper answers"};
    }
  }
}

Look HelperLink::Collect(SteadyTime deadline) {
  was_stale_ = false;
  const std::string nonce = RandomHex(kNonceBits);
  const auto budget = CheckBudget(deadline - clock_.Steady());
  ReplyReader reader(nonce);
  std::optional<Trouble> trouble;
  const auto written =
      channel_->Write("go " + nonce + " " + std::to_string(budget.count()) + "\n", deadline);
  if (!written) {
    trouble = Broken(written.error(), deadline);
  } else {
    trouble = ReadReply(&reader, deadline);
  }
  Look look = Interpret(reader.reply());
  look.trouble = trouble;
  if (!trouble) {
    proven_ = true;
    return look;
  }
  // A channel that worked before and breaks without a word: the host may simply have been restarted
  // in between.
  was_stale_ = proven_ && !reader.begun() && trouble->reason != ConnectFailure::kTimeout;
  channel_.reset();
  if (!reader.begun()) session_.Drop();
  return look;
}

std::optional<Trouble> HelperLink::ReadReply(ReplyReader* reader, SteadyTime deadline) {
  std::string bytes = std::move(unread_);
  unread_.clear();
  while (true) {
    if (auto fed = reader->Feed(bytes); !fed) {
      return Trouble{ConnectFailure::kProtocol, fed.error().message};
    }
    if (reader->complete()) return std::nullopt;
    bytes.clear();
    auto state = channel_->Read(&bytes, kReadSize, deadline);
    if (!state) return Broken(state.error(), deadline);
    if (*state == ssh::ReadState::kTimeout) {
      return Trouble{ConnectFailure::kTimeout, "no complete reply within the deadline"};
    }
    if (*state == ssh::ReadState::kEof) {
      return Trouble{ConnectFailure::kProtocol, "the helper ended without a complete reply"};
    }
  }
}

Look HelperLink::Interpret(const Reply& reply) const {
  Look look;
  for (const Collector* collector : HelperCollectors()) {
    if (!collector->wanted(host_)) continue;
    CollectorOutcome& outcome = look.collectors[collector->name];
    const Section* section = reply.Find(collector->section);
    if (section == nullptr) continue;
    outcome.seconds = section->seconds;
    if (!section->done) {
      LogDebug("A collector failed on the host",
               {{"host", host_.name}, {"collector", collector->name}, {"why", section->complaint}});
      continue;
    }
    Families families;
    auto read = collector->read(host_, reply, *section, &families);
    if (!read) {
      LogDebug("A collector failed", {{"host", host_.name}, {"why", read.error().message}});
      continue;
    }
    outcome.success = true;
    look.families.Merge(std::move(families));
  }
  return look;
}

}  // namespace mailhub::exporter
