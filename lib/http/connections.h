// The server's open connections and their sockets, which civetweb keeps to itself; internal to this
// folder.
//
// civetweb's time-outs start anew with every byte, it cannot end an idle keep-alive connection, and
// it cannot say that a client left while nothing is being sent. Given the socket, all three are one
// shutdown(2) or poll(2).
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "lib/base/clock.h"

namespace mailhub::http {

// One connection. Made and destroyed by its worker thread; the watchdog touches only what is atomic
// here.
class Connection {
 public:
  // Finds the socket by its two addresses among the process's file descriptors; until then, and
  // without it, nothing is watched. civetweb tells the addresses only with the first request. Later
  // calls do nothing.
  void Attach(const std::string& remote_address, int remote_port, int local_port);

  // From now until Rest(), the socket is shut down when `deadline` has passed (within 250 ms): for
  // reading only, so that an answer can still be sent, or altogether.
  void ReadUntil(SteadyTime deadline) { Arm(deadline, true); }
  void WriteUntil(SteadyTime deadline) { Arm(deadline, false); }
  void Rest() { deadline_ms_.store(0); }
  bool TimedOut() const { return timed_out_.load(); }

  // Whether the client was already told why its last request is none. The worker's.
  void SetRefused() { refused_ = true; }
  bool Refused() const { return refused_; }

  // Whether the client has closed its side; waits at most that long.
  bool PeerLeft(Milliseconds wait) const;
  // Makes the connection end once what was written is sent: nothing more is read from it.
  void StopReading() const;
  // Says that nothing more will be written, and reads away what the client still sends, for at most
  // 1 s or 1 MiB: a socket closed with unread data would reset the connection, and the client might
  // never see the answer.
  void Linger() const;

 private:
  friend class Connections;
  void Arm(SteadyTime deadline, bool reading);
  void Hasten(SteadyTime deadline);
  void Check(SteadyTime now);

  bool looked_ = false;   // the worker's
  bool refused_ = false;  // the worker's
  std::atomic<int> fd_{-1};
  std::atomic<long long> deadline_ms_{0};  // on the boot clock; 0: none
  std::atomic<bool> reading_{false};
  std::atomic<bool> timed_out_{false};
};

// All connections of one server, and the thread that watches their deadlines. Thread-safe.
class Connections {
 public:
  Connections();
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // The connection belongs to this until Remove.
  Connection* Add(std::unique_ptr<Connection> connection);
  void Remove(Connection* connection);
  size_t Count() const;

  // Brings all armed deadlines forward to this one.
  void Hasten(SteadyTime deadline);
  void StopReadingAll();

 private:
  void Watch(const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> open_;  // protected by mutex_
  std::jthread watchdog_;
};

SteadyTime SteadyNow();

}  // namespace mailhub::http
