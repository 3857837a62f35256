// Open episodes: what is known of each alert that fires, and the ones that no run answers for,
// which are decided afresh by themselves once what kept them waiting has gone.
#include <algorithm>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

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

bool HasRun(Decision decision) {
  return decision == Decision::kStartedRun || decision == Decision::kJoined ||
         decision == Decision::kJoinedLate;
}

}  // namespace

bool OpensEpisode(Decision decision) {
  return HasRun(decision) || Waits(decision);
}

void Engine::Core::Remember(const AlertDecided& body, WallTime at) {
  if (body.decision == Decision::kLate) return;  // an earlier alert's
  if (!body.firing) {
    NoteEnd(body.fingerprint, std::max(body.starts_at, body.newest_start), at);
    ForgetEpisode(body.fingerprint);
    return;
  }
  const auto open = episodes.find(body.fingerprint);
  if (body.decision == Decision::kRepeat && open != episodes.end()) {
    open->second.heard_again = open->second.run_finished.has_value();
    open->second.newest_start =
        std::max({open->second.newest_start, body.starts_at, body.newest_start});
    return;
  }
  if (!OpensEpisode(body.decision)) {
    if (open != episodes.end() && waiting.contains(body.fingerprint)) {
      ForgetEpisode(body.fingerprint);  // it cannot be answered as the configuration is now
    }
    return;
  }
  if (open != episodes.end() && !waiting.contains(body.fingerprint)) {
    // A new alert in the place of one whose end nobody has reported; should that end come late, it
    // is not the new one's.
    NoteReplaced(body.fingerprint, open->second.newest_start);
  }
  NoteReplaced(body.fingerprint, body.newest_start);
  Episode episode;
  episode.alert = {.firing = true,
                   .fingerprint = body.fingerprint,
                   .labels = body.labels,
                   .starts_at = body.starts_at};
  episode.trigger = body.trigger;
  episode.run = HasRun(body.decision) ? body.run : "";
  episode.decision = body.decision;
  episode.detail = body.detail;
  episode.decided = at;
  episode.newest_start = body.starts_at;
  if (Waits(body.decision)) {
    waiting.insert(body.fingerprint);
  } else {
    waiting.erase(body.fingerprint);
  }
  episodes[body.fingerprint] = std::move(episode);
}

Ended& Engine::Core::EndedOf(const std::string& fingerprint) {
  const auto [known, fresh] = ended.try_emplace(fingerprint);
  if (!fresh) return known->second;
  ended_order.push_back(fingerprint);
  if (ended_order.size() > kEndedKept) {
    ended.erase(ended_order.front());
    ended_order.pop_front();
  }
  return ended.at(fingerprint);
}

void Engine::Core::NoteEnd(const std::string& fingerprint, WallTime starts_at, WallTime at) {
  Ended& known = EndedOf(fingerprint);
  known.starts_at = starts_at;
  known.reported = at;
  known.at = now.steady;
}

void Engine::Core::NoteReplaced(const std::string& fingerprint, WallTime starts_at) {
  if (starts_at <= WallTime()) return;
  Ended& known = EndedOf(fingerprint);
  known.replaced = std::max(known.replaced, starts_at);
}

// What the decision records of it (event.h).
WallTime Engine::Core::NewestStart(const Alert& alert, Decision decision) const {
  const auto open = episodes.find(alert.fingerprint);
  const auto over = ended.find(alert.fingerprint);
  const bool known = open != episodes.end();
  if (!OpensEpisode(decision)) {
    if (known) return std::max(open->second.newest_start, alert.starts_at);
    // A copy of an earlier end does not hide the newest one.
    return over != ended.end() ? std::max(over->second.starts_at, alert.starts_at) : WallTime();
  }
  WallTime before;
  if (over != ended.end()) before = std::max(over->second.starts_at, over->second.replaced);
  // What waited is decided afresh; anything else is replaced.
  if (known && !waiting.contains(alert.fingerprint)) {
    before = std::max(before, open->second.newest_start);
  }
  return before;
}

void Engine::Core::ForgetEpisode(const std::string& fingerprint) {
  episodes.erase(fingerprint);
  waiting.erase(fingerprint);
}

// No run answers for it any more.
void Engine::Core::Release(const std::string& fingerprint, Episode* episode) {
  episode->run.clear();
  episode->run_finished.reset();
  episode->due.reset();
  waiting.insert(fingerprint);
}

// Whether the run was to be dropped for this alert, too, once its `only_if` did not hold.
bool Engine::Core::SharesOnlyIf(const Run& run, const Episode& episode) const {
  const auto trigger =
      std::find_if(config.triggers.begin(), config.triggers.end(),
                   [&](const Trigger& one) { return one.name == episode.trigger; });
  return episode.decision == Decision::kStartedRun ||
         (trigger != config.triggers.end() &&
          OnlyIf(*trigger, run.plan().parameters) == run.queued.only_if);
}

// The run has finished: it answers for the alert that started it, and for those that joined before
// it acted. That it failed, or that a person cancelled it, is for people to see: to do it once more
// for each of them would help none. The others are decided afresh.
void Engine::Core::ReleaseEpisodes(const Run& run, WallTime at) {
  for (const std::string& fingerprint : waiting) {
    Episode& episode = episodes.at(fingerprint);
    if (episode.decision == Decision::kDeferred) episode.due.reset();
  }
  if (run.result == RunResult::kDropped) {
    // The reason had gone; should the alert still fire, its next repeat is decided afresh.
    std::vector<std::string> gone;
    for (auto& [fingerprint, episode] : episodes) {
      if (episode.run != run.id) continue;
      if (SharesOnlyIf(run, episode)) {
        gone.push_back(fingerprint);
      } else {
        Release(fingerprint, &episode);
      }
    }
    for (const std::string& fingerprint : gone) {
      ForgetEpisode(fingerprint);
      // Nor does the journal keep what such an episode knew of those before it.
      const auto known = ended.find(fingerprint);
      if (known != ended.end()) known->second.replaced = WallTime();
    }
    return;
  }
  // Of a run from long ago the journal's replay leaves its steps out.
  const bool did_nothing = !run.steps.empty() && !run.plan().commit.empty() && !run.Committed();
  for (auto& [fingerprint, episode] : episodes) {
    if (episode.run != run.id) continue;
    const bool succeeded = run.result == RunResult::kSucceeded;
    const bool started_it = episode.decision == Decision::kStartedRun;
    const bool answered = episode.decision == Decision::kJoined && !(succeeded && did_nothing);
    if (!started_it && !answered && run.result != RunResult::kCancelled) {
      Release(fingerprint, &episode);
      continue;
    }
    episode.run_finished = at;
    episode.run_succeeded = succeeded;
    if (succeeded) continue;
    episode.detail = std::string("its run ") +
                     (run.result == RunResult::kCancelled ? "was cancelled" : "failed") +
                     "; decided afresh after its own end, or once the episode is closed";
  }
}

// Decides afresh what waits and is due; only a decision that is another one is recorded.
void Engine::Core::DecideWaiting() {
  if (mode != Mode::kActive || waiting.empty()) return;
  std::vector<std::string> due;
  for (const std::string& fingerprint : waiting) {
    if (Due(episodes.at(fingerprint).due)) due.push_back(fingerprint);
  }
  std::stable_sort(due.begin(), due.end(), [&](const std::string& a, const std::string& b) {
    return episodes.at(a).decided < episodes.at(b).decided;  // what has waited longest comes first
  });
  size_t decided = 0;
  for (const std::string& fingerprint : due) {
    Episode& episode = episodes.at(fingerprint);
    if (++decided > kDecideAtOnce) {
      episode.due = In(Milliseconds(100) * (decided / kDecideAtOnce));
      continue;
    }
    episode.due = In(kDecideAgain);
    const Alert alert = episode.alert;
    const Decision before = episode.decision;
    AlertDecided record;
    record.fingerprint = fingerprint;
    record.labels = alert.labels;
    const auto name = alert.labels.find("alertname");
    if (name != alert.labels.end()) record.alertname = name->second;
    record.starts_at = alert.starts_at;
    const Trigger* trigger = FindTrigger(alert);
    if (trigger == nullptr) {
      record.detail = "no trigger matches any more";
      record.decision = Decision::kIgnored;
    } else {
      record.trigger = trigger->name;
      record.decision = DecideFiring(alert, *trigger, &record);
    }
    if (record.decision == before && Waits(before)) continue;
    record.newest_start = NewestStart(alert, record.decision);
    record.detail = "decided afresh: " + record.detail;
    const std::string run = record.run;
    Emit(run, std::move(record));
    if (waiting.contains(fingerprint)) episodes.at(fingerprint).due = In(kDecideAgain);
  }
}

}  // namespace mailhub::engine
