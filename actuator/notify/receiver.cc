// See receiver.h.
#include "actuator/notify/receiver.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "lib/base/digest.h"
#include "lib/base/log.h"
#include "lib/base/printable.h"

namespace mailhub::notify {
namespace {

constexpr size_t kLongestAnswer = size_t{64} << 10;
constexpr size_t kShownOfAnswer = 300;
constexpr Milliseconds kTestTime{5'000};
constexpr Milliseconds kTestLasts{60'000};

uint64_t Random() {
  return std::stoull(RandomHex(64), nullptr, 16);
}

// Whole seconds; a date is not understood.
std::optional<Milliseconds> RetryAfter(const http::HttpResponse& response) {
  const std::string_view text = response.Header("retry-after");
  uint32_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return Seconds(seconds);
}

bool MayHelpLater(int status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

Reply Judge(const Result<http::HttpResponse>& response) {
  if (!response) return {Verdict::kLater, response.error().message};
  if (response->Succeeded()) return {Verdict::kTaken, ""};
  const std::string why =
      "status " + std::to_string(response->status) +
      (response->body.empty() ? "" : ": " + Excerpt(response->body, kShownOfAnswer));
  if (MayHelpLater(response->status)) return {Verdict::kLater, why, RetryAfter(*response)};
  return {Verdict::kRefused, why};
}

}  // namespace

std::string Shown(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "";
  const size_t end = url.find_first_of("/?#", scheme + 3);
  const std::string host =
      url.substr(scheme + 3, end == std::string::npos ? end : end - scheme - 3);
  const size_t user = host.rfind('@');
  return url.substr(0, scheme + 3) +
         Printable(user == std::string::npos ? host : host.substr(user + 1));
}

Receiver::Receiver(ReceiverOptions options, Progress before, const Clock* clock,
                   std::function<void()> changed)
    : options_(std::move(options)),
      target_(options_.url + (options_.format == Format::kAlertmanager ? "/api/v2/alerts" : "")),
      clock_(clock),
      changed_(std::move(changed)),
      delivery_({options_.format, options_.events, options_.keep, &Random}, std::move(before)),
      thread_([this] { Run(); }) {}

Receiver::~Receiver() {
  Cancel();
}

void Receiver::Cancel() {
  cancelled_ = true;
  const std::lock_guard lock(mutex_);  // else its thread may just be about to wait
  news_.notify_all();
}

Notice Receiver::WithLink(Notice notice) const {
  if (!options_.external_url.empty() && !notice.run.empty())
    notice.link = options_.external_url + "/api/v1/runs/" + notice.run;
  return notice;
}

void Receiver::Push(const Notice& notice) {
  const std::lock_guard lock(mutex_);
  delivery_.Push(WithLink(notice));
  news_.notify_all();
}

void Receiver::Reached(uint64_t seq) {
  const std::lock_guard lock(mutex_);
  delivery_.Reached(seq);
}

void Receiver::Stand(const std::vector<Notice>& standing) {
  std::vector<Notice> linked;
  for (const Notice& notice : standing) linked.push_back(WithLink(notice));
  const std::lock_guard lock(mutex_);
  delivery_.Stand(linked, clock_->Now());
  news_.notify_all();
}

Progress Receiver::Look() const {
  const std::lock_guard lock(mutex_);
  return delivery_.Look();
}

api::ReceiverStatus Receiver::Status() const {
  const Progress progress = Look();
  api::ReceiverStatus status;
  status.name = options_.name;
  status.format = Name(options_.format);
  status.where = Shown(options_.url);
  for (const Happening event : options_.events) status.events.emplace_back(Name(event));
  status.pending = progress.pending;
  status.sent = progress.sent;
  status.failed = progress.failed;
  for (const auto& [why, count] : progress.dropped) status.dropped.emplace_back(Name(why), count);
  status.last_success = progress.last_success;
  status.up = progress.up;
  status.trouble = progress.trouble;
  return status;
}

http::ClientOptions Receiver::ClientOptions() const {
  http::ClientOptions client;
  client.ca_file = options_.ca_file;
  client.basic_user = options_.basic_user;
  client.basic_password = options_.basic_password;
  client.bearer_token_file = options_.bearer_token_file;
  client.cancelled = &cancelled_;
  return client;
}

// An error's message begins with the URL, which may be a secret.
Result<http::HttpResponse> Receiver::Post(http::Client& client, const Outgoing& outgoing,
                                          Milliseconds timeout) const {
  http::RequestOptions request;
  request.timeout = timeout;
  request.headers = options_.headers;
  request.headers.emplace_back("Idempotency-Key", '"' + outgoing.id + '"');
  request.max_response_bytes = kLongestAnswer;
  request.status_suffices = true;
  auto response = client.Post(target_, outgoing.body, "application/json", request);
  if (response) return response;
  Error error = response.error();
  if (error.message.starts_with(target_)) {
    error.message.replace(0, target_.size(), Shown(options_.url));
  }
  error.message = Excerpt(error.message, kShownOfAnswer);
  return Fail(std::move(error));
}

void Receiver::Run() {
  http::Client client(ClientOptions());
  std::unique_lock lock(mutex_);
  while (!cancelled_) {
    const std::optional<Outgoing> outgoing = delivery_.Next(Now());
    if (!outgoing) {
      const std::optional<SteadyTime> due = delivery_.Due();
      if (due) {
        // One more, because clocks round down.
        const Milliseconds wait = std::max(Milliseconds(0), *due - clock_->Steady());
        news_.wait_for(lock, wait + Milliseconds(1));
      } else {
        news_.wait(lock);
      }
      continue;
    }
    const Progress before = delivery_.Look();
    lock.unlock();
    const Reply reply = Judge(Post(client, *outgoing, options_.timeout));
    // Cut short: it says nothing about the receiver.
    if (cancelled_ && reply.verdict != Verdict::kTaken) return;
    lock.lock();
    delivery_.Answered(reply, Now());
    lock.unlock();
    Note(reply, before);
    changed_();
    lock.lock();
  }
}

// One line for each change, and for each notification that is given up.
void Receiver::Note(const Reply& reply, const Progress& before) const {
  if (reply.verdict == Verdict::kRefused) {
    LogWarn("A receiver has refused a notification; it is not sent again",
            {{"receiver", options_.name}, {"why", reply.why}});
  } else if (reply.verdict == Verdict::kLater && before.up.value_or(true)) {
    LogWarn("A receiver does not take notifications; they are tried again",
            {{"receiver", options_.name}, {"why", reply.why}});
  } else if (reply.verdict == Verdict::kTaken && !before.up.value_or(true)) {
    LogInfo("A receiver takes notifications again", {{"receiver", options_.name}});
  }
}

Result<api::ReceiverAnswer> Receiver::Test() {
  if (testing_.exchange(true)) {
    return Fail(ErrorKind::kOverloaded, "another test of " + options_.name + " is under way");
  }
  const Notice notice = TestNotice(options_.name, RandomHex(64), clock_->Now());
  const Outgoing outgoing{notice.id, BodyOf(options_.format, notice, 0, notice.at + kTestLasts)};
  http::Client client(ClientOptions());
  const SteadyTime began = clock_->Steady();
  const auto response = Post(client, outgoing, std::min(options_.timeout, kTestTime));
  testing_ = false;
  {
    const std::lock_guard lock(mutex_);
    delivery_.Tried(Judge(response), Now());
    news_.notify_all();
  }
  if (!response) return Fail(response.error());
  return api::ReceiverAnswer{.taken = response->Succeeded(),
                             .status = response->status,
                             .body = Excerpt(response->body, kShownOfAnswer),
                             .took = clock_->Steady() - began};
}

}  // namespace mailhub::notify
