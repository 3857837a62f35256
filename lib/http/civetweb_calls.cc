#include "lib/http/civetweb_calls.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "lib/http/accept_queue.h"
#include "lib/http/connections.h"
#include "lib/http/listeners.h"

extern "C" {
int __real_accept(int socket, sockaddr* address, socklen_t* size);     // NOLINT
int __wrap_accept(int socket, sockaddr* address, socklen_t* size);     // NOLINT
int __real_bind(int socket, const sockaddr* address, socklen_t size);  // NOLINT
int __wrap_bind(int socket, const sockaddr* address, socklen_t size);  // NOLINT
int __real_listen(int socket, int backlog);                            // NOLINT
int __wrap_listen(int socket, int backlog);                            // NOLINT
int __real_socket(int family, int type, int protocol);                 // NOLINT
int __wrap_socket(int family, int type, int protocol);                 // NOLINT
int __real_poll(pollfd* fds, nfds_t count, int time);                  // NOLINT
int __wrap_poll(pollfd* fds, nfds_t count, int time);                  // NOLINT
int __real_SSL_set_fd(SSL* connection, int fd);                        // NOLINT
int __wrap_SSL_set_fd(SSL* connection, int fd);                        // NOLINT
}

namespace mailhub::http {
namespace {

struct ThisThread {
  AcceptQueue* accepts_for = nullptr;
  AcceptQueue* works_for = nullptr;
  int fd = -1;                                // a worker's: its connection
  std::optional<SteadyTime> handshake_began;  // likewise
};
thread_local ThisThread this_thread;

}  // namespace

void BecomeAcceptingThread(AcceptQueue* queue) {
  this_thread.accepts_for = queue;
}

void BecomeWorker(AcceptQueue* queue) {
  this_thread.works_for = queue;
}

int WorkersSocket() {
  return this_thread.fd;
}

void EndHandshake() {
  this_thread.handshake_began.reset();
}

int LeaveWorkersSocket() {
  EndHandshake();
  return std::exchange(this_thread.fd, -1);
}

}  // namespace mailhub::http

int __wrap_accept(int socket, sockaddr* address, socklen_t* size) {  // NOLINT
  auto* const queue = mailhub::http::this_thread.accepts_for;
  return queue != nullptr ? queue->Next(address, size) : __real_accept(socket, address, size);
}

int __wrap_socket(int family, int type, int protocol) {  // NOLINT
  if (!mailhub::http::GivesListeners::Active()) return __real_socket(family, type, protocol);
  return mailhub::http::GivesListeners::Next();
}

// Of a socket that listens already.
int __wrap_bind(int socket, const sockaddr* address, socklen_t size) {  // NOLINT
  return mailhub::http::GivesListeners::Active() ? 0 : __real_bind(socket, address, size);
}

int __wrap_listen(int socket, int backlog) {  // NOLINT
  return mailhub::http::GivesListeners::Active() ? 0 : __real_listen(socket, backlog);
}

int __wrap_poll(pollfd* fds, nfds_t count, int time) {  // NOLINT
  auto& thread = mailhub::http::this_thread;
  if (thread.accepts_for != nullptr) {
    return thread.accepts_for->Await(fds, count, mailhub::Milliseconds(time));
  }
  if (thread.works_for != nullptr) {
    // A worker's first wait is for its client.
    if (thread.fd < 0 && count == 1) thread.fd = fds->fd;
    if (thread.handshake_began && thread.works_for->IsLate(*thread.handshake_began)) {
      errno = ETIMEDOUT;
      return -1;
    }
  }
  return __real_poll(fds, count, time);
}

int __wrap_SSL_set_fd(SSL* connection, int fd) {  // NOLINT
  auto& thread = mailhub::http::this_thread;
  if (thread.works_for != nullptr) {
    thread.fd = fd;
    thread.handshake_began = mailhub::http::SteadyNow();
  }
  return __real_SSL_set_fd(connection, fd);
}
