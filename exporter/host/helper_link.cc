// One request, one reply. Any failure between them ends the channel, and the session too when
// nothing arrived. A helper that hangs in one collector keeps its channel, because closing it would
// not end the helper: a new helper is asked for the rest, and the old one is left alone until it
// answers.
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
constexpr char kHello[] = "hello 1";  // the helper is there and speaks version 1
constexpr Milliseconds kStartPatience{5'000};
constexpr Milliseconds kMostToBegin{2'000};  // until the main helper's reply begins
constexpr Milliseconds kQuick{50};           // a reply that takes no longer is not told in parts
constexpr Milliseconds kMostForOne{4'000};   // of a collection that may take much longer

// Time for checks: the remaining time, less a fifth to finish and send the reply.
Milliseconds CheckBudget(Milliseconds left) {
  return std::max(Milliseconds(10), left - std::max(Milliseconds(50), left / 5));
}

}  // namespace

HelperLink::HelperLink(config::Host host, ssh::SshTarget target, const Clock& clock,
                       LinkObserver& observer)
    : host_(std::move(host)), clock_(clock), session_(std::move(target), clock, observer) {
  Forget();
}

// A new session begins with one helper for all.
void HelperLink::Forget() {
  late_.clear();
  main_ = {};
  for (const Collector* collector : kHelperCollectors) {
    if (collector->wanted(host_)) main_.sections.insert(collector->section);
  }
}

void HelperLink::Leave() {
  Forget();
  session_.Drop();
}

// The failure behind a failed call. On a living session, the helper is at fault.
ProbeFailure HelperLink::Broken(const Error& error, SteadyTime deadline) {
  if (clock_.Steady() >= deadline) return {ConnectFailure::kTimeout, error.message};
  const bool alive = session_.get() != nullptr && session_.get()->Alive();
  return {alive ? ConnectFailure::kProtocol : ConnectFailure::kConnect, error.message};
}

std::optional<ProbeFailure> HelperLink::Prepare(SteadyTime deadline) {
  bool is_new = false;
  const SteadyTime begun = clock_.Steady();
  if (session_.get() == nullptr || !session_.get()->Alive()) Forget();
  if (auto failure = session_.Ensure(deadline, &is_new)) return failure;
  if (main_.channel != nullptr) return std::nullopt;
  // Even after a slow login the helper gets its own time: no later try would be faster.
  const SteadyTime now = clock_.Steady();
  if (is_new && now - begun > deadline - now) deadline = std::max(deadline, now + kStartPatience);
  auto failure = StartHelper(&main_, deadline);
  if (!failure) return std::nullopt;
  Leave();
  // A kept session may have died unnoticed; a new one had a fair try.
  return is_new ? failure : Prepare(deadline);
}

std::optional<ProbeFailure> HelperLink::StartHelper(Lane* lane, SteadyTime deadline) {
  lane->proven = false;
  lane->unread.clear();
  lane->owed.reset();
  const std::string spec = WriteSpec(host_, lane->sections);
  const HelperText& helper = HelperFor(spec);
  auto channel = session_.get()->OpenChannel(helper.command, deadline);
  if (!channel) return Broken(channel.error(), deadline);
  lane->channel = std::move(*channel);
  auto failure = Greet(lane, helper.script, spec, deadline);
  if (failure) lane->channel.reset();
  return failure;
}

// Sends the script, unless the host has an installed helper, and then the spec.
std::optional<ProbeFailure> HelperLink::Greet(Lane* lane, const std::string& script,
                                              const std::string& spec, SteadyTime deadline) {
  const std::string first = RandomHex(kNonceBits);
  std::string answer;
  auto failure = Exchange(lane, "hello " + first + "\n", first, deadline, &answer);
  installed_ = answer == kHello;
  if (!failure && answer == "send") {
    failure = Exchange(lane, script, first, deadline, &answer);
    if (!failure && answer == "ready") answer = kHello;
  }
  const std::string second = RandomHex(kNonceBits);
  if (!failure && answer == kHello) {
    failure = Exchange(lane, spec + "hello " + second + "\n", second, deadline, &answer);
  }
  if (failure || answer == kHello) return failure;
  return ProbeFailure{ConnectFailure::kProtocol,
                      "another version of the helper is installed there"};
}

// Sends `text` and waits for a line "NONCE ANSWER". Skips start-up files' output before that line,
// up to a limit.
std::optional<ProbeFailure> HelperLink::Exchange(Lane* lane, const std::string& text,
                                                 const std::string& nonce, SteadyTime deadline,
                                                 std::string* answer) {
  if (const auto written = lane->channel->Write(text, deadline); !written) {
    return Broken(written.error(), deadline);
  }
  const std::string mark = "\n" + nonce + " ";
  std::string seen;
  while (true) {
    auto state = lane->channel->Read(&seen, kReadSize, deadline);
    if (!state) return Broken(state.error(), deadline);
    if (*state == ssh::ReadState::kTimeout) {
      return ProbeFailure{ConnectFailure::kTimeout, "the helper did not start in time"};
    }
    const size_t found = seen.find(mark);
    const size_t end = found == std::string::npos ? found : seen.find('\n', found + mark.size());
    if (end != std::string::npos) {
      *answer = seen.substr(found + mark.size(), end - found - mark.size());
      lane->unread = seen.substr(end + 1);
      return std::nullopt;
    }
    if (*state == ssh::ReadState::kEof) {
      return ProbeFailure{
          ConnectFailure::kProtocol,
          "the helper ended at once: " + lane->channel->TakeStderr().substr(0, 200)};
    }
    if (seen.size() > kMaxNoise) {
      return ProbeFailure{ConnectFailure::kProtocol, "something other than the helper answers"};
    }
  }
}

Collection HelperLink::Collect(SteadyTime since, SteadyTime deadline,
                               const std::function<void(const Collection&)>& so_far) {
  since_ = since;
  was_stale_ = false;
  told_.clear();
  Collection collection;
  for (const Collector* collector : kHelperCollectors) {
    if (!collector->wanted(host_)) continue;
    collection.collectors[collector->name()] = {.why = "no answer in the time of this scrape"};
  }
  // Collectors end before the scrape does. One that takes half of that time while others wait
  // behind it is left behind.
  const auto left = deadline - clock_.Steady();
  const SteadyTime last = deadline - std::min<SteadyTime::duration>(left / 10, Milliseconds(250));
  // Scrapes with less time may wait for the same collection.
  const SteadyTime rescue = deadline - left + std::min<SteadyTime::duration>(left / 2, kMostForOne);
  WakeLate(last);
  if (!TakePending(&main_, std::min(last, main_.asked + kMostToBegin))) {
    collection.failure = {ConnectFailure::kTimeout, "no complete reply within the deadline"};
    if (clock_.Steady() >= main_.asked + kMostToBegin) Leave();
    return collection;
  }
  if (main_.channel == nullptr) collection.failure = StartHelper(&main_, last);
  if (!collection.failure) collection.failure = Ask(&main_, last);
  if (!collection.failure) collection.failure = ListenToMain(rescue, last, so_far, &collection);
  if (collection.failure) {
    // A channel that worked before and breaks silently: the host may have been restarted in
    // between.
    const bool begun = main_.owed != nullptr && main_.owed->begun();
    const bool timed_out = collection.failure->reason == ConnectFailure::kTimeout;
    // A scrape with little time ends no session that others use.
    if (timed_out && !begun && main_.owed != nullptr &&
        clock_.Steady() < main_.asked + kMostToBegin) {
      return collection;
    }
    was_stale_ = main_.proven && !begun && !timed_out;
    if (begun) {
      Interpret(main_.sections, main_.owed->reply(), &collection);
      main_.channel.reset();
      main_.owed.reset();
    } else {
      Leave();
    }
    return collection;
  }
  so_far(collection);
  ListenToLate(last, so_far, &collection);
  ExplainHanging(&collection);
  return collection;
}

std::optional<ProbeFailure> HelperLink::Ask(Lane* lane, SteadyTime deadline) {
  const std::string nonce = RandomHex(kNonceBits);
  const auto budget = CheckBudget(deadline - clock_.Steady());
  lane->owed = std::make_unique<ReplyReader>(nonce);
  lane->asked = clock_.Steady();
  const auto written =
      lane->channel->Write("go " + nonce + " " + std::to_string(budget.count()) + "\n", deadline);
  if (written) return std::nullopt;
  lane->owed.reset();
  return Broken(written.error(), deadline);
}

// Nothing when the lane has no pending reply; otherwise a late reply has the reason kTimeout.
std::optional<ProbeFailure> HelperLink::Listen(Lane* lane, SteadyTime deadline,
                                               const std::function<void()>& on_part) {
  std::string bytes = std::move(lane->unread);
  lane->unread.clear();
  while (true) {
    if (auto fed = lane->owed->Feed(bytes); !fed) {
      return ProbeFailure{ConnectFailure::kProtocol, fed.error().message};
    }
    const Reply& reply = lane->owed->reply();
    if (lane == &main_ && !reply.sections.empty() && !reply.uptime_at_begin) {
      lane->owed->SetUptimeAtBegin(UptimeAtBegin(reply));
    }
    if (lane->owed->complete()) return std::nullopt;
    if (on_part) on_part();
    bytes.clear();
    auto state = lane->channel->Read(&bytes, kReadSize, deadline);
    if (!state) return Broken(state.error(), deadline);
    if (*state == ssh::ReadState::kTimeout) {
      return ProbeFailure{ConnectFailure::kTimeout, "no complete reply within the deadline"};
    }
    if (*state == ssh::ReadState::kEof) {
      return ProbeFailure{ConnectFailure::kProtocol, "the helper ended without a complete reply"};
    }
  }
}

// Leaves the main helper to its present section, and names a new one, not yet started, for the
// rest. False without any change if it is in none.
bool HelperLink::SetApart() {
  const std::string section = main_.owed->section();
  if (section.empty() || section == "host") return false;
  LogInfo("A collector is late: it is asked apart from now on",
          {{"host", host_.name}, {"collector", section}});
  late_.push_back(std::move(main_));
  main_ = {};
  main_.sections = std::exchange(late_.back().sections, {section});
  main_.sections.erase(section);
  return true;
}

// What is known of a reply that goes on, for scrapes with less time: the sections that have ended, and
// what the present one has already.
void HelperLink::TellParts(const Lane& lane, const std::function<void(const Collection&)>& so_far,
                           Collection* collection) {
  if (!lane.owed->begun()) return;
  const std::string section = lane.owed->section();
  std::set<std::string> ended = lane.sections;
  ended.erase(section);
  const Reply& reply = lane.owed->reply();
  Interpret(ended, reply, collection);
  Collection now = *collection;
  for (const Collector* collector : kHelperCollectors) {
    if (section != collector->section || collector->cut == nullptr) continue;
    Reply part = reply;
    part.sections.back().lines.emplace_back(collector->cut);
    part.sections.back().done = true;
    Interpret({section}, part, &now);
    told_.erase(collector->name());
  }
  so_far(now);
}

std::optional<ProbeFailure> HelperLink::ListenToMain(
    SteadyTime rescue, SteadyTime last, const std::function<void(const Collection&)>& so_far,
    Collection* collection) {
  const auto tell = [&] { TellParts(main_, so_far, collection); };
  // Nearly always this is all.
  auto failure = Listen(&main_, std::min(rescue, main_.asked + kQuick));
  if (failure && failure->reason == ConnectFailure::kTimeout) {
    failure = Listen(&main_, rescue, tell);
  }
  if (failure && failure->reason == ConnectFailure::kTimeout && main_.owed->begun()) {
    // Not yet begun: the sections behind the late one.
    bool others = false;
    for (const std::string& section : main_.sections) {
      others = others || main_.owed->reply().Find(section) == nullptr;
    }
    const Reply known = main_.owed->reply();
    if (others && SetApart()) {
      Interpret(main_.sections, known, collection);
      failure = StartHelper(&main_, last);
      if (!failure) failure = Ask(&main_, last);
      if (!failure) failure = Listen(&main_, last, tell);
      if (failure && (main_.owed == nullptr || !main_.owed->begun())) {
        // The host has answered before; these fail now, and get another helper next time.
        main_.channel.reset();
        main_.owed.reset();
        return std::nullopt;
      }
    } else {
      failure = Listen(&main_, last, tell);
    }
    if (failure && failure->reason == ConnectFailure::kTimeout && main_.owed->begun()) {
      const Reply rest = main_.owed->reply();
      if (SetApart()) {
        Interpret(main_.sections, rest, collection);
        return std::nullopt;
      }
    }
  }
  if (failure) return failure;
  WatchUptime(main_.owed->reply());
  Interpret(main_.sections, main_.owed->reply(), collection);
  main_.owed.reset();
  main_.proven = true;
  return std::nullopt;
}

// Asks the late ones again, unless a reply is still pending.
void HelperLink::WakeLate(SteadyTime last) {
  for (Lane& lane : late_) {
    if (!TakePending(&lane, clock_.Steady())) continue;
    if (lane.hangs) {
      LogInfo("A collector that hung has answered, and is asked again",
              {{"host", host_.name}, {"collector", *lane.sections.begin()}});
    }
    lane.hangs = false;
    AskLate(&lane, last);
  }
}

// Takes a reply that belongs to an earlier collection, which is not shown. False if it does not
// come by then.
bool HelperLink::TakePending(Lane* lane, SteadyTime deadline) {
  if (lane->owed == nullptr) return true;
  const auto failure = Listen(lane, deadline);
  lane->paused = failure && failure->reason == ConnectFailure::kTimeout;
  if (lane->paused) return false;
  if (failure) lane->channel.reset();
  lane->owed.reset();
  return true;
}

void HelperLink::AskLate(Lane* lane, SteadyTime last) {
  if (lane->channel == nullptr && StartHelper(lane, last)) return;
  if (Ask(lane, last)) lane->channel.reset();
}

// A scrape with less time may have asked a moment ago: such a reply is waited for, and then the
// collector is asked for this scrape. One that has taken longer hangs, and is not waited for.
void HelperLink::AskAnew(Lane* lane, SteadyTime last) {
  const SteadyTime patience = std::min(last, lane->asked + kMostForOne);
  if (clock_.Steady() < patience && TakePending(lane, patience)) return AskLate(lane, last);
  if (lane->hangs || clock_.Steady() - lane->asked < kMostForOne) return;
  lane->hangs = true;
  LogInfo("A collector hangs: it is not asked again before it has answered",
          {{"host", host_.name}, {"collector", *lane->sections.begin()}});
}

void HelperLink::ListenToLate(SteadyTime last, const std::function<void(const Collection&)>& so_far,
                              Collection* collection) {
  for (Lane& lane : late_) {
    if (lane.paused) AskAnew(&lane, last);
    if (lane.owed == nullptr || lane.paused) continue;
    const auto failure = Listen(&lane, last, [&] { TellParts(lane, so_far, collection); });
    if (failure && failure->reason == ConnectFailure::kTimeout) continue;
    if (failure) {
      lane.channel.reset();
    } else {
      Interpret(lane.sections, lane.owed->reply(), collection);
      so_far(*collection);
    }
    lane.owed.reset();
  }
}

void HelperLink::ExplainHanging(Collection* collection) const {
  for (const Lane& lane : late_) {
    if (!lane.hangs) continue;
    for (const Collector* collector : kHelperCollectors) {
      if (!collector->wanted(host_) || !lane.sections.contains(collector->section)) continue;
      collection->collectors[collector->name()].why =
          "it hangs, and is not asked again before it has answered";
    }
  }
}

SessionStory HelperLink::Story() const {
  SessionStory story = session_.Story();
  if (main_.channel == nullptr) return story;
  story.helper = installed_ ? "installed on the host" : "sent over the connection";
  if (!late_.empty()) story.helper += "; late collectors have one of their own";
  return story;
}

// A boot whose uptime goes back would look like one boot to readers that compare times. Only the
// main helper's complete replies arrive in order: a late one has an older uptime.
void HelperLink::WatchUptime(const Reply& reply) {
  if (reply.uptime_seconds <= 0) return;
  if (reply.boot_id == boot_id_ && reply.uptime_seconds + 1 < uptime_seconds_) {
    LogInfo(
        "The host's uptime went back within one boot: what was measured before cannot be told "
        "from what came after",
        {{"host", host_.name},
         {"before", std::to_string(uptime_seconds_)},
         {"now", std::to_string(reply.uptime_seconds)}});
  }
  boot_id_ = reply.boot_id;
  uptime_seconds_ = reply.uptime_seconds;
}

// Ports, and sections that are late, are measured from the begin of the scrape on, while the host
// reads its uptime at some time before the answer: a gate must not take that for the age of all.
double HelperLink::UptimeAtBegin(const Reply& reply) {
  double uptime = reply.uptime_seconds - ToSeconds(clock_.Steady() - since_);
  // It was no less at the scrape before, and would look as if it went back.
  if (reply.boot_id == shown_boot_id_ && shown_uptime_seconds_ <= reply.uptime_seconds) {
    uptime = std::max(uptime, shown_uptime_seconds_);
  }
  shown_boot_id_ = reply.boot_id;
  return shown_uptime_seconds_ = uptime;
}

void HelperLink::Interpret(const std::set<std::string>& sections, const Reply& reply,
                           Collection* collection) {
  for (const Collector* collector : kHelperCollectors) {
    if (!collector->wanted(host_) || !sections.contains(collector->section)) continue;
    CollectorOutcome& outcome = collection->collectors[collector->name()];
    const Section* section = reply.Find(collector->section);
    if (section == nullptr || !told_.insert(collector->name()).second) continue;
    outcome.seconds = section->seconds;
    outcome.why.clear();
    if (!section->done) {
      outcome.why = section->complaint;
      LogDebug(
          "A collector failed on the host",
          {{"host", host_.name}, {"collector", collector->name()}, {"why", section->complaint}});
      continue;
    }
    metrics::Families families;
    auto read = collector->read(host_, reply, *section, &past_, &families);
    if (!read) {
      LogDebug("A collector failed", {{"host", host_.name}, {"why", read.error().message}});
      outcome.why = read.error().message;
    }
    outcome.success = read.has_value();
    if (read || read.error().kind == ErrorKind::kNotFound)
      collection->families.Merge(std::move(families));
  }
}

}  // namespace mailhub::exporter
