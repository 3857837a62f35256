// The server's open connections and their deadlines; internal to this folder.
//
// civetweb's time-outs start anew with every byte. It cannot end an idle keep-alive connection, and
// it cannot notice that a client left while nothing is being sent. With the socket, each of these
// is one shutdown(2) or poll(2).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "lib/base/clock.h"

namespace mailhub::http {

class AcceptQueue;

// One connection. Its worker thread makes and destroys it; the watchdog uses only the atomic
// members.
class Connection {
 public:
  // Sets its socket; before that, nothing is watched.
  void Attach(int fd) { fd_ = fd; }

  // From now until Rest(), the socket is shut down within 250 ms after `deadline`, or after 2 s
  // when others wait for its worker: only for reading, so that an answer can still be sent, or
  // altogether. Reading ends at once when the server stops.
  void ReadUntil(SteadyTime deadline) { Arm(deadline, Wait::kReading); }
  void WriteUntil(SteadyTime deadline) { Arm(deadline, Wait::kWriting); }
  // The same for a client's first request: 0.5 s when others wait.
  void BeginUntil(SteadyTime deadline) { Arm(deadline, Wait::kBeginning); }
  // The same for an optional read, such as the next request: ends at once when another client needs
  // the worker. The queue no longer counts a body as awaited. False if another needs it already.
  bool IdleUntil(SteadyTime deadline, AcceptQueue* queue);
  void Rest() { deadline_ms_.store(0); }
  bool TimedOut() const { return timed_out_.load(); }

  // Whether it would keep another client waiting if it kept its worker while it idles.
  bool WouldCrowd(AcceptQueue* queue) const;
  // Whether its worker may serve a stream.
  bool MayStream(AcceptQueue* queue) const;
  // The same for an answer that its client may take slowly.
  bool MayAnswerAtLength(AcceptQueue* queue) const;

  // Whether the client was already told why its last request is refused. Worker only.
  void SetRefused() { refused_ = true; }
  bool Refused() const { return refused_; }

  // Whether the client has closed its side; waits at most `wait`. Also true after this side has
  // ended reading.
  bool PeerLeft(Milliseconds wait) const;
  // The same without a wait, and only of the client.
  bool HasLeft() const;
  // Ends writing and reads the client's remaining data for at most 1 s or 1 MiB: closing a socket
  // with unread data would reset the connection, and the client might not see the answer. Counts as
  // idle: when another client needs the worker, only data that has arrived is read. `more`: whether
  // data is known to come; else only if some waits in the socket.
  void Linger(AcceptQueue* queue, bool more);

 private:
  friend class Connections;
  enum class Wait { kBeginning, kReading, kWriting, kIdling };
  void Arm(SteadyTime deadline, Wait wait);
  void Hasten(SteadyTime deadline);
  void Check(SteadyTime now, bool others_wait);
  static Milliseconds PatienceWhenCrowded(Wait wait);
  void StopReading() const;
  bool HasMore() const;
  bool Waits() const { return deadline_ms_.load() != 0; }
  void End(Wait wait);

  bool refused_ = false;  // worker only
  std::atomic<int> fd_{-1};
  std::atomic<long long> deadline_ms_{0};  // on the boot clock; 0: none
  std::atomic<long long> armed_ms_{0};     // when it was set
  std::atomic<Wait> wait_{Wait::kReading};
  std::atomic<bool> timed_out_{false};
  const std::atomic<bool>* reading_ends_ = nullptr;  // from Connections::Add on
};

// All connections of one server, and the thread that watches their deadlines. Thread-safe.
class Connections {
 public:
  // `others_wait`: whether a client waits for a free worker. Called by the watching thread.
  explicit Connections(std::function<bool()> others_wait = [] { return false; });
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // The connection belongs to this until Remove.
  Connection* Add(std::unique_ptr<Connection> connection);
  void Remove(Connection* connection);

  // Brings all armed deadlines forward to `deadline`.
  void Hasten(SteadyTime deadline);
  // Ends all reading from clients, now and later.
  void StopReading();
  // Ends the connection with the longest idle time, if any.
  void EndAnIdleOne();

 private:
  void Watch(const std::stop_token& stop);

  const std::function<bool()> others_wait_;
  std::atomic<bool> reading_ends_{false};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> open_;  // protected by mutex_
  std::jthread watchdog_;
};

SteadyTime SteadyNow();

}  // namespace mailhub::http
