// See delivery.h.
#include "actuator/notify/delivery.h"

#include <algorithm>
#include <utility>

namespace mailhub::notify {

Delivery::Delivery(DeliveryOptions options, Progress before)
    : options_(std::move(options)),
      progress_(std::move(before)),
      backoff_(kFirstRetry, kLongestRetry) {
  for (const Drop drop : All<Drop>()) progress_.dropped[drop] += 0;
}

// Alertmanager is told of these as long as they last, so no queue is needed.
bool Delivery::Lasts(const Notice& notice) const {
  return notice.event != Happening::kFailed && notice.event != Happening::kFinished;
}

void Delivery::Push(const Notice& notice) {
  const bool wanted = notice.event && options_.events.contains(*notice.event);
  const bool fresh = notice.seq > progress_.seq || notice.late > progress_.late;
  if (!fresh) return;
  progress_.seq = std::max(progress_.seq, notice.seq);
  progress_.late = std::max(progress_.late, notice.late);
  if (!wanted || (Stands() && Lasts(notice))) return;
  queue_.push_back(notice);
  if (queue_.size() - in_flight_ > kMostPending) Give(Drop::kTooMany);
}

void Delivery::Reached(uint64_t seq) {
  progress_.seq = std::max(progress_.seq, seq);
}

// Gives up the oldest that is not under way.
void Delivery::Give(Drop why) {
  const auto oldest = queue_.begin() + static_cast<ptrdiff_t>(in_flight_);
  if (oldest == queue_.end()) return;
  queue_.erase(oldest);
  ++progress_.dropped[why];
  ++progress_.left_out;
}

void Delivery::Stand(const std::vector<Notice>& standing, WallTime now) {
  if (!Stands()) return;
  std::set<std::string> there;
  for (const Notice& notice : standing) {
    if (!notice.event || !options_.events.contains(*notice.event)) continue;
    there.insert(notice.id);
    Standing& known = standing_[notice.id];
    // It stands again, or it is new.
    if (known.ended) known = {};
    known.notice = notice;
  }
  for (auto it = standing_.begin(); it != standing_.end();) {
    Standing& known = it->second;
    if (there.contains(it->first) || known.ended) {
      ++it;
    } else if (known.told || !in_flight_standing_.empty()) {
      known.ended = now;
      known.told = false;
      ++it;
    } else {
      it = standing_.erase(it);  // nobody has heard of its begin
    }
  }
}

std::optional<Outgoing> Delivery::Next(const Moment& now) {
  while (!queue_.empty() && now.wall - queue_.front().at > options_.keep) Give(Drop::kTooOld);
  if (retry_at_ && now.steady < *retry_at_) return std::nullopt;
  if (Stands()) return NextAlerts(now);
  if (queue_.empty()) return std::nullopt;
  in_flight_ = 1;
  const Notice& notice = queue_.front();
  return Outgoing{notice.id, BodyOf(options_.format, notice, progress_.left_out, now.wall)};
}

// All in one request: what waits, what lasts, and what has ended.
std::optional<Outgoing> Delivery::NextAlerts(const Moment& now) {
  // Alertmanager has ended it by itself by then.
  std::erase_if(standing_, [&](const auto& known) {
    return known.second.ended && now.wall - *known.second.ended > kGoodFor;
  });
  const bool repost = repost_at_ && now.steady >= *repost_at_ && !standing_.empty();
  if (Pending() == 0 && !repost) return std::nullopt;
  std::vector<Alert> alerts;
  for (const Notice& notice : queue_) {
    alerts.push_back({notice, now.wall + kEndLasts, alerts.empty() ? progress_.left_out : 0});
  }
  in_flight_ = queue_.size();
  in_flight_standing_.clear();
  for (const auto& [id, known] : standing_) {
    alerts.push_back({known.notice, known.ended.value_or(now.wall + kGoodFor)});
    in_flight_standing_.emplace_back(id, known.ended.has_value());
  }
  return Outgoing{queue_.empty() ? alerts.front().notice.id : queue_.front().id,
                  AlertmanagerBody(alerts)};
}

void Delivery::Taken(const Moment& now) {
  progress_.sent += in_flight_;
  if (in_flight_ > 0) progress_.left_out = 0;
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(in_flight_));
  for (const auto& [id, as_ended] : in_flight_standing_) {
    const auto known = standing_.find(id);
    if (known == standing_.end()) continue;
    if (as_ended && known->second.ended) {
      standing_.erase(known);
    } else if (!as_ended && !known->second.ended && !known->second.told) {
      known->second.told = true;
      ++progress_.sent;
    }
  }
  if (Stands()) repost_at_ = now.steady + kRepost;
}

void Delivery::Answered(const Reply& reply, const Moment& now) {
  Tried(reply, now);
  switch (reply.verdict) {
    case Verdict::kTaken:
      Taken(now);
      break;
    case Verdict::kRefused: {
      // What lasts is tried again when it is due: its alerts may differ then.
      const size_t refused = std::exchange(in_flight_, 0);
      for (size_t i = 0; i < refused; ++i) Give(Drop::kRefused);
      if (!in_flight_standing_.empty()) retry_at_ = now.steady + kRepost;
      break;
    }
    case Verdict::kLater:
      retry_at_ =
          now.steady + std::max(backoff_.Next(options_.random()),
                                std::min(reply.wait.value_or(Milliseconds(0)), kLongestRetry));
      break;
  }
  in_flight_ = 0;
  in_flight_standing_.clear();
  while (queue_.size() > kMostPending) Give(Drop::kTooMany);
}

void Delivery::Tried(const Reply& reply, const Moment& now) {
  progress_.up = reply.verdict == Verdict::kTaken;
  progress_.trouble = *progress_.up ? "" : reply.why;
  if (!*progress_.up) {
    ++progress_.failed;
    return;
  }
  progress_.last_success = now.wall;
  backoff_.Reset();
  retry_at_.reset();
}

std::optional<SteadyTime> Delivery::Due() const {
  if (Pending() > 0) return retry_at_.value_or(SteadyTime::min());
  if (standing_.empty()) return std::nullopt;
  return std::max(repost_at_.value_or(SteadyTime::min()), retry_at_.value_or(SteadyTime::min()));
}

size_t Delivery::Pending() const {
  const auto untold = std::count_if(standing_.begin(), standing_.end(),
                                    [](const auto& known) { return !known.second.told; });
  return queue_.size() + static_cast<size_t>(untold);
}

Progress Delivery::Look() const {
  Progress progress = progress_;
  progress.pending = Pending();
  // What waits has yet to be told.
  for (const Notice& notice : queue_) {
    if (notice.seq > 0) progress.seq = std::min(progress.seq, notice.seq - 1);
    if (notice.late > 0) progress.late = std::min(progress.late, notice.late - 1);
  }
  return progress;
}

}  // namespace mailhub::notify
