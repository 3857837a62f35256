// Who may occupy a worker; internal to this folder.
//
// civetweb gives each accepted connection to a worker thread, which then waits for what the client
// will say: as many clients that say nothing as there are workers, and nobody is answered. So a
// connection waits here, at the price of a descriptor, until there is something to do for it.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::http {

struct DoorOptions {
  bool tls = false;
  Milliseconds patience{10'000};              // with a client that has not said its request
  Milliseconds patience_when_crowded{1'000};  // with a TLS handshake, while others wait
  size_t workers = 1;                         // so many connections are inside at most
  size_t most_waiting = 1'000;                // beyond it, who has waited longest is sent away
  // Sent to a client that has begun a request and did not end it; not with TLS.
  std::function<std::string()> too_late;
};

// Owns the sockets of connections that wait, and a thread that watches them. Thread-safe.
//
// It takes the place of civetweb's listening sockets: their descriptors become an event counter,
// so that civetweb wakes when somebody is ready, and its accept(2), replaced at link time, gets
// that connection. SSL_set_fd is replaced too: it tells on which socket a handshake begins.
class Door {
 public:
  explicit Door(DoorOptions options);
  ~Door();  // closes
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // Takes over all sockets of this process that listen on the port. kInternal if there is none.
  Status Open(int port);
  // Ends the connections that wait; civetweb gets no more of them.
  void Close();

  // civetweb has closed a connection it got from here.
  void OnLeft();
  // Whether the next one that is ready would have to wait for a worker.
  bool Crowded() const;
  // Whether one does.
  bool SomebodyWaits() const;

  // Said by each of civetweb's worker threads when it begins, so that the TLS handshakes that it
  // makes are watched: a client that does not go on with one is cut off.
  void TakeThread();
  void BeginHandshake(int fd);
  // The handshake that this thread has begun, if it has, is over. Its socket, or -1.
  int EndHandshake();
  // Wakes civetweb's accepting thread for nothing.
  void Knock() const;

  // The next connection that is ready, or -1 with errno EAGAIN: accept(2) on one of the sockets.
  int Next(sockaddr* address, socklen_t* size);

 private:
  struct Waiting {
    int fd;
    SteadyTime since;
  };
  enum class Said { kNothing, kPart, kAll, kLeft };

  void Watch(const std::stop_token& stop);
  void Accept(int listener);
  void Look(int fd, bool ended);
  void LeaveTheLate();
  void EndLateHandshakes();
  void SendAway(std::list<Waiting>::iterator one);
  void MakeReady(std::list<Waiting>::iterator one);
  void Offer();
  Said SaidBy(int fd) const;
  Milliseconds UntilTheNextIsLate();

  const DoorOptions options_;
  const int epoll_;
  const int offered_;            // an event counter: so many of ready_ may be taken
  const int wake_;               // for the watching thread's end
  std::vector<int> listeners_;   // the real ones; the watching thread's
  std::vector<int> taken_over_;  // civetweb's descriptors, in the register

  // The watching thread's: by age, the oldest first.
  std::list<Waiting> waiting_;
  std::map<int, std::list<Waiting>::iterator> by_fd_;

  mutable std::mutex mutex_;
  std::deque<int> ready_;                 // protected by mutex_
  size_t offers_ = 0;                     // of ready_, not yet taken; protected by mutex_
  size_t inside_ = 0;                     // protected by mutex_
  std::map<int, SteadyTime> handshakes_;  // since when; protected by mutex_

  std::jthread watcher_;
};

}  // namespace mailhub::http
