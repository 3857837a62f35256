// See remote_hosts.h.
#include "actuator/remote/remote_hosts.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "actuator/remote/runner_place.h"

namespace mailhub::remote {
namespace {

constexpr size_t kMostWaiting = 64;

engine::RemoteReply Failed(ErrorKind kind, std::string message) {
  engine::RemoteReply reply;
  reply.receipt = Fail(kind, std::move(message));
  return reply;
}

}  // namespace

// One host's thread and its waiting requests.
class RemoteHosts::Worker {
 public:
  struct Job {
    engine::RemoteRequest request;
    Identity identity;
    bool takeover = false;
    Done done;
  };

  Worker(const std::string& host, const LinkOptions& options, RemoteHosts* hosts)
      : hosts_(hosts), link_(host, options, &hosts->cancel_), thread_([this] { Work(); }) {}

  // False when too many wait already.
  bool Add(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.size() >= kMostWaiting) return false;
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
    return true;
  }

  void BeginStop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
  }
  void Join() { thread_.join(); }

 private:
  std::optional<Job> Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  void Work() {
    while (std::optional<Job> job = Next()) {
      engine::RemoteReply reply = Answer(*job);
      // Interrupted by Stop(): the answer would be wrong.
      if (hosts_->cancel_.IsCancelled()) return;
      job->done(std::move(reply));
    }
  }

  engine::RemoteReply Answer(const Job& job) {
    const std::string& name = job.request.host;
    const auto site = hosts_->state_.With([](const State& state) { return state.site; });
    const config::Host* host = site->FindHost(name);
    if (host == nullptr) {
      return Failed(ErrorKind::kInvalid, "host " + name + " is not in the site file any more");
    }
    return link_.Ask(job.request, job.identity, job.takeover, TargetOf(*site, *host), host->runner);
  }

  RemoteHosts* const hosts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  HostLink link_;
  std::thread thread_;
};

RemoteHosts::RemoteHosts(std::shared_ptr<const config::Site> site, LinkOptions options)
    : options_(std::move(options)) {
  UseSite(std::move(site));
}

RemoteHosts::~RemoteHosts() {
  Stop();
}

void RemoteHosts::Begin(const std::string& journal_id, uint64_t epoch) {
  state_.With([&](State& state) { state.identity = Identity{journal_id, epoch}; });
}

void RemoteHosts::UseSite(std::shared_ptr<const config::Site> site) {
  state_.With([&](State& state) { state.site = std::move(site); });
}

void RemoteHosts::Submit(const engine::RemoteRequest& request, Done done) {
  Enqueue(request, false, std::move(done));
}

void RemoteHosts::TakeOver(const std::string& host, SteadyTime begin_before, Done done) {
  engine::RemoteRequest request;
  request.host = host;
  request.begin_before = begin_before;
  Enqueue(request, true, std::move(done));
}

void RemoteHosts::Enqueue(const engine::RemoteRequest& request, bool takeover, Done done) {
  std::optional<engine::RemoteReply> refusal;
  state_.With([&](State& state) {
    if (state.stopped) return;
    const config::Host* host = state.site->FindHost(request.host);
    if (host == nullptr) {
      refusal = Failed(ErrorKind::kInvalid, "host " + request.host + " is not in the site file");
      return;
    }
    if (host->platform == config::Platform::kWindows) {
      refusal = Failed(ErrorKind::kInvalid, request.host + ": cannot run steps on windows");
      return;
    }
    const bool cancels = request.verb == engine::RemoteVerb::kCancel;
    auto& worker = state.workers[{request.host, cancels}];
    if (!worker) worker = std::make_unique<Worker>(request.host, options_, this);
    if (!worker->Add({request, state.identity, takeover, done})) {
      refusal = Failed(ErrorKind::kOverloaded,
                       request.host + ": too many requests wait for this host already");
    }
  });
  if (refusal) done(std::move(*refusal));
}

void RemoteHosts::Stop() {
  std::map<Lane, std::unique_ptr<Worker>> workers;
  state_.With([&](State& state) {
    state.stopped = true;
    workers.swap(state.workers);
  });
  cancel_.Cancel();
  for (auto& [lane, worker] : workers) worker->BeginStop();
  for (auto& [lane, worker] : workers) worker->Join();
}

}  // namespace mailhub::remote
