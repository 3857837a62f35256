// One receiver: its thread, its requests, and the meaning of its answers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actuator/api/receivers.h"
#include "actuator/notify/delivery.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace mailhub::notify {

// Plain data, secrets included.
struct ReceiverOptions {
  std::string name;
  std::string url;  // of an Alertmanager without its path /api/v2/alerts
  Format format = Format::kPlain;
  std::set<Happening> events;
  Milliseconds keep{43'200'000};
  Milliseconds timeout{10'000};
  std::vector<std::pair<std::string, std::string>> headers;
  std::string ca_file;
  std::string basic_user;
  std::string basic_password;
  std::string bearer_token_file;
  std::string external_url = {};  // of the actuator, without a slash at its end; "": not known

  bool operator==(const ReceiverOptions&) const = default;
};

// "https://chat.example.org:8443": what may be shown of a URL.
std::string Shown(const std::string& url);

// Owns its thread and an HTTP client. Thread-safe.
class Receiver {
 public:
  // `before`: where it went on to in an earlier life. `changed` is called on its thread after each
  // attempt, without a lock; it must be short. `clock` must outlive it.
  Receiver(ReceiverOptions options, Progress before, const Clock* clock,
           std::function<void()> changed);
  ~Receiver();  // at most 1 s
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // As Delivery.
  void Push(const Notice& notice);
  void Reached(uint64_t seq);
  void Stand(const std::vector<Notice>& standing);
  Progress Look() const;

  const ReceiverOptions& options() const { return options_; }
  api::ReceiverStatus Status() const;
  // As api::Receivers::Test.
  Result<api::ReceiverAnswer> Test();
  // Its requests end; nothing more is sent. Returns at once.
  void Cancel();

 private:
  Notice WithLink(Notice notice) const;
  void Run();
  Result<http::HttpResponse> Post(http::Client& client, const Outgoing& outgoing,
                                  Milliseconds timeout) const;
  http::ClientOptions ClientOptions() const;
  Moment Now() const { return {clock_->Now(), clock_->Steady()}; }
  void Note(const Reply& reply, const Progress& before) const;

  const ReceiverOptions options_;
  const std::string target_;  // the URL that is posted to
  const Clock* const clock_;
  const std::function<void()> changed_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> testing_{false};

  mutable std::mutex mutex_;
  std::condition_variable news_;
  Delivery delivery_;    // protected by mutex_
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mailhub::notify
