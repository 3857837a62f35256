// See notifier.h.
#include "actuator/notify/notifier.h"

#include <algorithm>
#include <utility>

#include "lib/base/log.h"

namespace mailhub::notify {
namespace {

// A cursor that only passes over what nobody is told about is written seldom.
constexpr uint64_t kManyEvents = 1'000;
constexpr Milliseconds kSaveAtLeast{60'000};
constexpr Milliseconds kStoreRetry{30'000};

Progress ProgressOf(const journal::ReceiverCursor& cursor) {
  Progress progress;
  progress.seq = cursor.seq;
  progress.late = cursor.late;
  progress.left_out = cursor.left_out;
  if (cursor.last_success != WallTime()) progress.last_success = cursor.last_success;
  return progress;
}

journal::ReceiverCursor CursorOf(const std::string& name, const Progress& progress) {
  return {.name = name,
          .seq = progress.seq,
          .late = progress.late,
          .left_out = progress.left_out,
          .last_success = progress.last_success.value_or(WallTime())};
}

}  // namespace

Notifier::Notifier(NotifierOptions options)
    : options_(std::move(options)),
      journal_(options_.journal),
      follower_([this](const std::string& run, const auto& each) {
        return journal_.RunEvents(run, 0, each);
      }) {}

Notifier::~Notifier() {
  Stop();
}

void Notifier::Start(const std::string& journal_id, uint64_t last_seq,
                     std::vector<ReceiverOptions> receivers) {
  journal_id_ = journal_id;
  committed_ = last_seq;
  Apply(std::move(receivers));
  owner_ = std::jthread([this] { Run(); });
}

void Notifier::Use(std::vector<ReceiverOptions> receivers) {
  const std::lock_guard lock(mutex_);
  wanted_ = std::move(receivers);
  woken_ = true;
  news_.notify_all();
}

void Notifier::Committed(uint64_t seq) {
  committed_ = seq;
  const std::lock_guard lock(mutex_);
  woken_ = true;
  news_.notify_all();
}

void Notifier::Cancel() {
  stopping_ = true;
  for (const auto& [name, receiver] : receivers_.Copy()) receiver->Cancel();
  const std::lock_guard lock(mutex_);  // else the owner may just be about to wait
  news_.notify_all();
}

void Notifier::Stop() {
  Cancel();
  if (!owner_.joinable()) return;
  owner_.join();
  Cancel();  // those that the owner has made meanwhile
  Save(true);
  receivers_.With([](Named& named) { return std::exchange(named, {}); });
}

std::vector<api::ReceiverStatus> Notifier::List() const {
  std::vector<api::ReceiverStatus> list;
  for (const auto& [name, receiver] : receivers_.Copy()) list.push_back(receiver->Status());
  return list;
}

Result<api::ReceiverAnswer> Notifier::Test(const std::string& name) {
  const Named named = receivers_.Copy();
  const auto found = named.find(name);
  if (found != named.end()) return found->second->Test();
  std::string known;
  for (const auto& [other, receiver] : named) known += (known.empty() ? "" : ", ") + other;
  return Fail(ErrorKind::kNotFound,
              "there is no receiver of that name; configured: " + (known.empty() ? "none" : known));
}

// --- the owner thread

void Notifier::Run() {
  Turn();
  for (;;) {
    std::optional<std::vector<ReceiverOptions>> wanted;
    {
      std::unique_lock lock(mutex_);
      news_.wait_for(lock, options_.look_pause, [this] { return woken_ || stopping_; });
      if (stopping_) return;
      woken_ = false;
      wanted = std::exchange(wanted_, std::nullopt);
    }
    if (wanted) Apply(*std::move(wanted));
    Turn();
  }
}

// Said once, until something else is wrong or it is over.
void Notifier::Trouble(const char* what, const Error& error) {
  if (std::exchange(last_trouble_, what + error.message) == what + error.message) return;
  LogError(what, {{"why", error.message}});
}

void Notifier::OpenStore() {
  const SteadyTime now = options_.clock->Steady();
  if (store_ || (store_due_ && now < *store_due_)) return;
  store_due_ = now + kStoreRetry;
  const std::string path = options_.journal + ".receivers";
  bool fresh = false;
  auto store = journal::ReceiverStore::Open(path, journal_id_, committed_, &fresh);
  if (!store && store.error().kind == ErrorKind::kCorrupt) {
    LogError("The receivers' file is put aside; nothing is told that happened before this start",
             {{"why", store.error().message}, {"file", path + ".damaged"}});
    if (const Status aside = journal::ReceiverStore::PutAside(path); !aside) {
      return Trouble("The receivers' file cannot be put aside", aside.error());
    }
    store = journal::ReceiverStore::Open(path, journal_id_, committed_, &fresh);
  }
  if (!store) {
    return Trouble(
        "The receivers' file cannot be used; after a restart notifications may be missing",
        store.error());
  }
  const auto late = store->Late();
  auto cursors = store->Cursors();
  if (!late || !cursors) {
    return Trouble("The receivers' file cannot be read", late ? cursors.error() : late.error());
  }
  for (const journal::LateRun& run : *late) late_.insert(run.run);
  saved_ = *std::move(cursors);
  store_ = *std::move(store);
  store_due_.reset();
  if (fresh) LogInfo("The receivers' file begins with what happens from now on", {{"file", path}});
}

// After a change everything that some receiver has not taken is read again; each passes over what it
// had.
void Notifier::Apply(std::vector<ReceiverOptions> receivers) {
  const Named before = receivers_.Copy();
  if (!receivers.empty()) OpenStore();
  Progress now;
  now.seq = committed_;
  if (store_) now.late = store_->LastLate().value_or(0);
  Named after;
  uint64_t first = now.seq;
  for (ReceiverOptions& options : receivers) {
    const std::string name = options.name;
    Progress progress = now;
    for (const journal::ReceiverCursor& cursor : saved_) {
      if (cursor.name == name) progress = ProgressOf(cursor);
    }
    if (const auto known = before.find(name); known != before.end()) {
      progress = known->second->Look();
      if (known->second->options() == options) {
        first = std::min(first, progress.seq);
        after[name] = known->second;
        continue;
      }
      // What it has under way may come twice.
      known->second->Cancel();
    }
    first = std::min(first, progress.seq);
    after[name] =
        std::make_shared<Receiver>(std::move(options), std::move(progress), options_.clock, [this] {
          const std::lock_guard lock(mutex_);
          woken_ = true;
          news_.notify_all();
        });
  }
  for (const auto& [name, receiver] : before) {
    if (!after.contains(name)) receiver->Cancel();
  }
  receivers_.With([&after](Named& named) { named = after; });
  read_ = first;
  follower_.Forget();
  late_next_.clear();
  if (store_) {
    if (auto late = store_->Late()) late_next_.assign(late->begin(), late->end());
  }
  if (!after.empty() || store_) Save(true);
}

void Notifier::Turn() {
  const Named named = receivers_.Copy();
  if (named.empty()) {
    read_ = committed_;
    return;
  }
  OpenStore();
  const std::shared_ptr<const engine::View> view = options_.look();
  NoteLate(*view);
  ReadJournal();
  const bool stands = std::any_of(named.begin(), named.end(), [](const auto& entry) {
    return entry.second->options().format == Format::kAlertmanager;
  });
  if (stands) {
    const std::vector<Notice> standing = StandingNotices(*view);
    for (const auto& [name, receiver] : named) receiver->Stand(standing);
  }
  Save(false);
}

void Notifier::ReadJournal() {
  const uint64_t end = committed_;
  Status status;
  if (read_ < end) {
    const Status read = journal_.EventsAfter(read_, [&](const engine::Event& event) {
      if (stopping_ || !PushLate(event.at)) return false;
      auto notice = follower_.Take(event);
      if (!notice) {
        status = Fail(notice.error());
        return false;
      }
      if (*notice) {
        for (const auto& [name, receiver] : receivers_.Copy()) receiver->Push(**notice);
      }
      read_ = event.seq;
      return true;
    });
    if (stopping_) return;
    if (!read) status = read;
    if (!status) return Trouble("The journal cannot be read for notifications", status.error());
    read_ = std::max(read_, end);
  }
  if (!PushLate(WallTime::max())) return;
  for (const auto& [name, receiver] : receivers_.Copy()) receiver->Reached(read_);
}

// Written before it is told, so that no restart tells it again.
void Notifier::NoteLate(const engine::View& view) {
  if (!store_) return;
  std::set<std::string> unfinished;
  for (const engine::RunView& run : view.unfinished) unfinished.insert(run.id);
  for (const engine::RunView& run : view.unfinished) {
    if (!run.overdue || late_.contains(run.id)) continue;
    uint64_t heard = UINT64_MAX;
    for (const auto& [name, receiver] : receivers_.Copy()) {
      heard = std::min(heard, receiver->Look().late);
    }
    Status forgotten = store_->ForgetLate(heard, unfinished);
    if (!forgotten) return Trouble("The receivers' file cannot be written", forgotten.error());
    auto noted = store_->NoteLate(run.id, options_.clock->Now());
    if (!noted) return Trouble("The receivers' file cannot be written", noted.error());
    late_.insert(run.id);
    late_next_.push_back(*noted);
  }
}

// False: one of them cannot be read now.
bool Notifier::PushLate(WallTime until) {
  while (!late_next_.empty() && late_next_.front().at <= until) {
    const journal::LateRun& late = late_next_.front();
    auto notice = follower_.Late(late.run, late.at);
    if (notice && *notice) {
      (*notice)->late = late.number;
      for (const auto& [name, receiver] : receivers_.Copy()) receiver->Push(**notice);
    } else if (!notice && notice.error().kind != ErrorKind::kNotFound) {
      Trouble("The journal cannot be read for notifications", notice.error());
      return false;
    }
    late_next_.pop_front();
  }
  return true;
}

void Notifier::Save(bool whole) {
  if (!store_) return;
  std::vector<journal::ReceiverCursor> cursors;
  for (const auto& [name, receiver] : receivers_.Copy()) {
    cursors.push_back(CursorOf(name, receiver->Look()));
  }
  if (cursors == saved_) return;
  const SteadyTime now = options_.clock->Steady();
  bool needed = whole || cursors.size() != saved_.size() || now - saved_at_ >= kSaveAtLeast;
  for (size_t i = 0; i < cursors.size() && !needed; ++i) {
    const journal::ReceiverCursor& was = saved_[i];
    journal::ReceiverCursor is = cursors[i];
    needed = is.seq >= was.seq + kManyEvents;
    is.seq = was.seq;
    needed = needed || is != was;
  }
  if (!needed) return;
  if (const Status saved = store_->Save(cursors); !saved) {
    return Trouble("The receivers' file cannot be written", saved.error());
  }
  last_trouble_.clear();
  saved_ = std::move(cursors);
  saved_at_ = now;
}

}  // namespace mailhub::notify
