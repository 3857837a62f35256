// See episodes.h.
#include "actuator/engine/episodes.h"

#include <algorithm>

#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

constexpr size_t kEndedKept = 20'000;
// How many waiting alerts are decided again at one time, and how often.
constexpr size_t kDecideAtOnce = 50;
constexpr Milliseconds kDecideAgain{10'000};
constexpr size_t kEpisodesShown = 1'000;
// After a start, an end that could not be delivered before has this time to arrive.
constexpr Milliseconds kEndsArriveWithin{300'000};

bool HasRun(Decision decision) {
  return decision == Decision::kStartedRun || decision == Decision::kJoined ||
         decision == Decision::kJoinedLate;
}

}  // namespace

bool Waits(Decision decision) {
  switch (decision) {
    case Decision::kObserved:
    case Decision::kHalted:
    case Decision::kCooldown:
    case Decision::kDeferred:
      return true;
    case Decision::kStartedRun:
    case Decision::kJoined:
    case Decision::kJoinedLate:
    case Decision::kRepeat:
    case Decision::kResolved:
    case Decision::kCancelled:
    case Decision::kIgnored:
    case Decision::kRejected:
    case Decision::kLate:
      return false;
  }
  return false;
}

bool OpensEpisode(Decision decision) {
  return HasRun(decision) || Waits(decision);
}

void Episodes::Start() {
  started_ = context_.clock->steady();
  const WallTime now = context_.clock->wall();
  for (auto& [fingerprint, episode] : episodes_) {
    if (!episode.run_finished) continue;
    episode.finished = started_ - std::max(now - *episode.run_finished, Milliseconds(0));
  }
  for (auto& [fingerprint, end] : ended_) {
    end.at =
        context_.clock->steady() - std::max(context_.clock->wall() - end.reported, Milliseconds(0));
  }
}

void Episodes::Apply(const AlertDecided& decided, WallTime at) {
  if (decided.decision == Decision::kLate) return;  // an earlier alert's
  if (!decided.firing) {
    Ended& end = EndOf(decided.fingerprint);
    end.starts_at = std::max(decided.starts_at, decided.newest_start);
    end.reported = at;
    end.at = context_.clock->steady();
    Forget(decided.fingerprint);
    return;
  }
  const auto open = episodes_.find(decided.fingerprint);
  if (decided.decision == Decision::kRepeat && open != episodes_.end()) {
    open->second.heard_again = open->second.run_finished.has_value();
    open->second.newest_start =
        std::max({open->second.newest_start, decided.starts_at, decided.newest_start});
    return;
  }
  if (!OpensEpisode(decided.decision)) {
    if (open != episodes_.end() && waiting_.contains(decided.fingerprint)) {
      Forget(decided.fingerprint);  // the present configuration cannot answer it
    }
    return;
  }
  if (open != episodes_.end() && !waiting_.contains(decided.fingerprint)) {
    // A new alert replaces one whose end was not reported; a late end of the old one is not the new
    // one's.
    NoteReplaced(decided.fingerprint, open->second.newest_start);
  }
  NoteReplaced(decided.fingerprint, decided.newest_start);
  Episode episode;
  episode.alert = {.firing = true,
                   .fingerprint = decided.fingerprint,
                   .labels = decided.labels,
                   .starts_at = decided.starts_at};
  episode.trigger = decided.trigger;
  episode.run = HasRun(decided.decision) ? decided.run : "";
  episode.decision = decided.decision;
  episode.detail = decided.detail;
  episode.decided = at;
  episode.tries = decided.tries;
  episode.by = decided.by;
  // Another run for the same alert; its newer starts were told by repeats.
  episode.newest_start =
      decided.tries > 1 ? std::max(decided.starts_at, decided.newest_start) : decided.starts_at;
  if (Waits(decided.decision)) {
    if (IsWaiting(decided.fingerprint)) episode.due = open->second.due;
    waiting_.insert(decided.fingerprint);
  } else {
    waiting_.erase(decided.fingerprint);
  }
  succeeded_.erase(decided.fingerprint);
  episodes_[decided.fingerprint] = std::move(episode);
}

void Episodes::Apply(const EpisodeClosed& closed) {
  const auto open = episodes_.find(closed.fingerprint);
  if (open != episodes_.end()) NoteReplaced(closed.fingerprint, open->second.newest_start);
  Forget(closed.fingerprint);
}

Ended& Episodes::EndOf(const std::string& fingerprint) {
  const auto [known, fresh] = ended_.try_emplace(fingerprint);
  if (!fresh) return known->second;
  ended_order_.push_back(fingerprint);
  if (ended_order_.size() > kEndedKept) {
    ended_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
  return ended_.at(fingerprint);
}

void Episodes::NoteReplaced(const std::string& fingerprint, WallTime starts_at) {
  if (starts_at <= WallTime()) return;
  Ended& known = EndOf(fingerprint);
  known.replaced = std::max(known.replaced, starts_at);
}

WallTime Episodes::NewestStart(const Alert& alert, Decision decision) const {
  const auto open = episodes_.find(alert.fingerprint);
  const auto over = ended_.find(alert.fingerprint);
  const bool known = open != episodes_.end();
  if (!OpensEpisode(decision)) {
    if (known) return std::max(open->second.newest_start, alert.starts_at);
    // A copy of an earlier end does not hide the newest one.
    return over != ended_.end() ? std::max(over->second.starts_at, alert.starts_at) : WallTime();
  }
  WallTime before;
  if (over != ended_.end()) before = std::max(over->second.starts_at, over->second.replaced);
  // A waiting episode is decided again; any other is replaced.
  if (known && !waiting_.contains(alert.fingerprint)) {
    before = std::max(before, open->second.newest_start);
  }
  return before;
}

void Episodes::Forget(const std::string& fingerprint) {
  episodes_.erase(fingerprint);
  waiting_.erase(fingerprint);
  succeeded_.erase(fingerprint);
}

// No run answers for it any more.
void Episodes::Unanswered(const std::string& fingerprint, Episode* episode) {
  if (episode->decision == Decision::kJoined) --episode->tries;  // that run was none for it
  episode->run.clear();
  episode->run_finished.reset();
  episode->due.reset();
  waiting_.insert(fingerprint);
}

const Trigger* Episodes::TriggerOf(const Episode& episode) const {
  const auto& triggers = context_.config->triggers;
  const auto found = std::find_if(triggers.begin(), triggers.end(),
                                  [&](const Trigger& one) { return one.name == episode.trigger; });
  return found == triggers.end() ? nullptr : &*found;
}

std::optional<SteadyTime> Episodes::StillFiringFrom(const Episode& episode) const {
  if (!episode.run_finished || !episode.run_succeeded) return std::nullopt;
  if (episode.gave_up) return episode.finished;
  const Trigger* trigger = TriggerOf(episode);
  const Milliseconds grace = (trigger == nullptr ? Trigger() : *trigger).still_firing_after;
  return std::max(episode.finished + grace, started_ + std::min(grace, kEndsArriveWithin));
}

bool Episodes::StillFires(const Episode& episode) const {
  const auto from = StillFiringFrom(episode);
  return from && context_.clock->Due(from);
}

bool Episodes::IsRemedied(const Episode& episode) const {
  return episode.run_finished && episode.run_succeeded && !episode.heard_again &&
         !StillFires(episode);
}

// Whether the run was dropped for this alert, too, when its `only_if` did not hold.
bool Episodes::SharesOnlyIf(const Run& run, const Episode& episode) const {
  const Trigger* trigger = TriggerOf(episode);
  return episode.decision == Decision::kStartedRun ||
         (trigger != nullptr && OnlyIf(*trigger, run.plan().parameters) == run.queued.only_if);
}

void Episodes::Drop(const Run& run, WallTime at) {
  // The reason was gone. If the alert still fires, its next repeat is decided again. But if a run
  // has answered it before, the alert fires without the reason: a person must look.
  std::vector<std::string> gone;
  for (auto& [fingerprint, episode] : episodes_) {
    if (episode.run != run.id) continue;
    if (SharesOnlyIf(run, episode) && episode.tries > 1) {
      episode.run_finished = at;
      episode.finished = context_.clock->steady();
      episode.run_succeeded = episode.gave_up = true;
      episode.detail = Say<LeftOpenBecause::kDropped>(run.result_detail);
    } else if (SharesOnlyIf(run, episode)) {
      gone.push_back(fingerprint);
    } else {
      Unanswered(fingerprint, &episode);
    }
  }
  for (const std::string& fingerprint : gone) {
    Forget(fingerprint);
    // The journal does not keep such an episode's knowledge of earlier ones either.
    const auto known = ended_.find(fingerprint);
    if (known != ended_.end()) known->second.replaced = WallTime();
  }
}

// A failed or cancelled run is for people to see: another run for each of its alerts would not
// help.
void Episodes::Release(const Run& run, WallTime at) {
  for (const std::string& fingerprint : waiting_) {
    Episode& episode = episodes_.at(fingerprint);
    if (episode.decision == Decision::kDeferred) episode.due.reset();
  }
  if (run.result == RunResult::kDropped) {
    Drop(run, at);
    return;
  }
  // The journal's replay leaves out the steps of an old run.
  const bool did_nothing = !run.steps.empty() && !run.plan().commit.empty() && !run.Committed();
  for (auto& [fingerprint, episode] : episodes_) {
    if (episode.run != run.id) continue;
    const bool succeeded = run.result == RunResult::kSucceeded;
    const bool started_it = episode.decision == Decision::kStartedRun;
    const bool answered = episode.decision == Decision::kJoined && !(succeeded && did_nothing);
    if (!started_it && !answered && run.result != RunResult::kCancelled) {
      Unanswered(fingerprint, &episode);
      continue;
    }
    episode.run_finished = at;
    episode.finished = context_.clock->steady();
    episode.run_succeeded = succeeded;
    if (succeeded) {
      succeeded_.insert(fingerprint);
      continue;
    }
    episode.detail = run.result == RunResult::kCancelled ? Say<LeftOpenBecause::kCancelled>()
                                                         : Say<LeftOpenBecause::kFailed>();
  }
}

// --- questions of other parts

const Episode* Episodes::Find(const std::string& fingerprint) const {
  const auto found = episodes_.find(fingerprint);
  return found == episodes_.end() ? nullptr : &found->second;
}

const Ended* Episodes::LastEnd(const std::string& fingerprint) const {
  const auto found = ended_.find(fingerprint);
  return found == ended_.end() ? nullptr : &found->second;
}

bool Episodes::OthersHave(const std::string& run, const std::string& fingerprint) const {
  return std::any_of(episodes_.begin(), episodes_.end(), [&](const auto& other) {
    return other.first != fingerprint && other.second.run == run;
  });
}

std::vector<std::string> Episodes::TakeDue() {
  const EngineClock& clock = *context_.clock;
  std::vector<std::string> due;
  for (const std::string& fingerprint : waiting_) {
    if (clock.Due(episodes_.at(fingerprint).due)) due.push_back(fingerprint);
  }
  std::stable_sort(due.begin(), due.end(), [&](const std::string& a, const std::string& b) {
    return episodes_.at(a).decided < episodes_.at(b).decided;
  });
  for (size_t i = 0; i < due.size(); ++i) {
    const Milliseconds later{100 * static_cast<int64_t>((i + 1) / kDecideAtOnce)};
    episodes_.at(due[i]).due = clock.In(i < kDecideAtOnce ? kDecideAgain : later);
  }
  due.resize(std::min(due.size(), kDecideAtOnce));
  return due;
}

std::vector<std::string> Episodes::TakeStillFiring() {
  std::vector<std::string> due;
  std::erase_if(succeeded_, [&](const std::string& fingerprint) {
    const Episode& episode = episodes_.at(fingerprint);
    if (!StillFires(episode)) return false;
    const Trigger* trigger = TriggerOf(episode);
    if (trigger != nullptr && episode.tries < trigger->attempts) due.push_back(fingerprint);
    return true;
  });
  return due;
}

std::optional<SteadyTime> Episodes::NextDeadline(bool active) const {
  std::optional<SteadyTime> next;
  for (const std::string& fingerprint : succeeded_) {
    next = Earlier(next, context_.clock->Ahead(StillFiringFrom(episodes_.at(fingerprint))));
  }
  if (!active) return next;
  for (const std::string& fingerprint : waiting_) {
    next = Earlier(next, context_.clock->Ahead(episodes_.at(fingerprint).due));
  }
  return next;
}

EpisodeView Episodes::Look(const Episode& episode) const {
  EpisodeView view;
  view.fingerprint = episode.alert.fingerprint;
  const auto name = episode.alert.labels.find("alertname");
  if (name != episode.alert.labels.end()) view.alertname = name->second;
  view.trigger = episode.trigger;
  view.run = episode.run;
  view.decided = episode.decided;
  view.detail = episode.detail;
  view.tries = episode.tries;
  const bool joined_late = episode.decision == Decision::kJoinedLate && !episode.run_finished;
  if (IsWaiting(view.fingerprint) || joined_late) {
    view.state = EpisodeState::kWaiting;
  } else if (episode.run_finished) {
    view.state = IsRemedied(episode)   ? EpisodeState::kRemedied
                 : StillFires(episode) ? EpisodeState::kStillFiring
                                       : EpisodeState::kUnanswered;
  }
  return view;
}

void Episodes::AddTo(View* view) const {
  view->open_episodes = episodes_.size();
  for (const auto& [fingerprint, episode] : episodes_) {
    EpisodeView one = Look(episode);
    view->unanswered_episodes += one.state == EpisodeState::kUnanswered ? 1 : 0;
    view->still_firing_episodes += one.state == EpisodeState::kStillFiring ? 1 : 0;
    if (view->episodes.size() < kEpisodesShown) view->episodes.push_back(std::move(one));
  }
}

}  // namespace mailhub::engine
