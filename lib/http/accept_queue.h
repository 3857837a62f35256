// The queue of connections that wait for a worker; internal to this folder.
//
// civetweb gives each accepted connection to a worker thread, which then waits for the client's
// request. Without this queue, silent clients could occupy all workers and the server would answer
// no other. A connection waits here, at the price of a descriptor, until its worker has work.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::http {

struct AcceptQueueOptions {
  bool tls = false;
  Milliseconds patience{10'000};              // with a client that has not said its request
  Milliseconds patience_when_crowded{1'000};  // with a TLS handshake, while others wait
  size_t workers = 1;                         // so many connections are inside at most
  size_t workers_of_one = 0;                  // of them, of one address; 0: all
  size_t long_answers = 0;                    // on their way at once; 0: any number
  // Beyond it one is sent away: of the address that has the most, who has waited longest.
  size_t most_waiting = 1'000;
  // What a client is told that is sent away after it began a request; not with TLS.
  std::function<std::string(int status, const char* text)> refusal;
  // Called when a connection has to wait for a worker. Must not call the queue.
  std::function<void()> on_crowd;
  // Called by Await at each of its turns. May be empty.
  std::function<void()> on_turn;
};

// Owns the sockets of waiting connections. Await and Next belong to civetweb's accepting thread;
// everything else is thread-safe.
class AcceptQueue {
 public:
  explicit AcceptQueue(AcceptQueueOptions options);
  ~AcceptQueue();  // call when civetweb's threads are gone; closes waiting connections
  AcceptQueue(const AcceptQueue&) = delete;
  AcceptQueue& operator=(const AcceptQueue&) = delete;

  // kInternal when no file descriptor is left.
  Status Check() const;

  // poll(2) for listening sockets: waits until Next has a connection for civetweb, and serves the
  // waiting connections meanwhile. Returns 1, 0 at the time-out, -1 (EINTR) once closed.
  int Await(pollfd* listeners, size_t count, Milliseconds time);
  // accept(2): the next connection, or -1 (EAGAIN).
  int Next(sockaddr* address, socklen_t* size);

  // A connection from Next begins a stream. False if too few workers would be left for short
  // requests.
  bool BeginStream(int fd);
  // Likewise: it begins a long answer, which its client may take slowly. False also if as many are on
  // their way as may be, or half of them to this client's address.
  bool BeginLongAnswer(int fd);
  // Of a connection that Next gave: its body, if one was on its way, is not awaited any more, and
  // its stream or answer has ended.
  void OnIdle(int fd);
  // A connection that Next gave is about to be closed.
  void OnLeft(int fd);
  // Await returns at once from now on.
  void Close();

  // Whether the next ready connection would have to wait for a worker, if this one kept its own.
  bool Crowded(int fd) const;
  // Whether a connection waits.
  bool SomebodyWaits() const;
  // Whether a worker has waited long enough for a TLS handshake.
  bool IsLate(SteadyTime handshake_began) const;

 private:
  struct Visitor {
    int fd = -1;
    SteadyTime since{};
    sockaddr_storage address{};
    socklen_t address_size = 0;
    std::string origin;
  };
  enum class Slow { kNot, kBody, kStream, kAnswer };  // what its worker waits for
  struct Inside {
    std::string origin;
    Slow slow = Slow::kNot;
  };
  using Visitors = std::list<Visitor>;

  void Listen(const pollfd* listeners, size_t count);
  void Accept(int listener);
  void Receive(Visitor visitor);
  void Look(int fd, bool ended);
  void MakeReady(Visitors::iterator one, bool unfinished);
  void SendAway(Visitors::iterator one, int status, const char* text);
  void SendOneAway();
  static void Decrement(std::unordered_map<std::string, size_t>* counts, const std::string& origin);
  void LeaveTheLate();
  Milliseconds UntilTheNextIsLate() const;
  void Forget(int fd);                    // with mutex_ held
  bool HasAll(const Visitor& one) const;  // likewise: its address may have no further worker
  bool MayEnter() const;                  // likewise
  size_t UnfinishedMayBe() const;         // likewise
  size_t Count(Slow slow) const;          // likewise
  size_t CountSlow() const;               // likewise
  size_t SlowMayBe() const;
  bool OneWaits() const;  // likewise
  void Wake() const;

  const AcceptQueueOptions options_;
  const int epoll_;
  const int wake_;  // event counter, for Await
  std::atomic<bool> closed_{false};

  // For the accepting thread only. By age, the oldest first.
  std::vector<int> listeners_;
  int spare_ = -1;  // a descriptor to release when no other is left
  Visitors waiting_;
  std::unordered_map<int, Visitors::iterator> by_fd_;
  // How many there are in the three lists of visitors, by origin.
  std::unordered_map<std::string, size_t> of_origin_;

  mutable std::mutex mutex_;
  Visitors ready_;                // with a complete request; protected by mutex_
  Visitors unfinished_;           // with a head but an incomplete body; protected by mutex_
  std::map<int, Inside> inside_;  // protected by mutex_
  // How many there are in it, by origin; protected by mutex_.
  std::unordered_map<std::string, size_t> inside_of_;
};

}  // namespace mailhub::http
