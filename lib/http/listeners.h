// The server's listening sockets: opened here or inherited, then handed to civetweb; internal to this
// folder. civetweb opens its own sockets and takes none, so the linker (`--wrap`) gives it ours.
#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::http {

// Owns the sockets until civetweb has taken them. Confined to one thread.
class Listeners {
 public:
  Listeners() = default;
  ~Listeners();  // closes what civetweb has not taken
  Listeners(Listeners&& other) noexcept;
  Listeners& operator=(Listeners&&) = delete;
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // kInvalid for an address that is none; kRefused when it is taken or forbidden.
  Status Open(const std::string& listen_address, int backlog);
  // Takes ownership of `fd`, also when it fails. kInvalid if it is no listening TCP socket.
  Status Inherit(int fd);

  // "127.0.0.1:9110" or "[::1]:9110", for each in order.
  std::vector<std::string> Addresses() const;
  // civetweb's words for as many sockets of the same kinds.
  std::string CivetwebText(bool tls) const;

 private:
  friend class GivesListeners;
  std::vector<int> fds_;
  size_t taken_ = 0;
};

// While it lives, what this thread opens with socket(2) is the next of `listeners`, and bind(2) and
// listen(2) change nothing of it.
class GivesListeners {
 public:
  explicit GivesListeners(Listeners* listeners);
  ~GivesListeners();
  GivesListeners(const GivesListeners&) = delete;
  GivesListeners& operator=(const GivesListeners&) = delete;
  // For the wrapped functions. -1: none is left.
  static int Next();
  static bool Active();

 private:
  Listeners* const listeners_;
};

}  // namespace mailhub::http
