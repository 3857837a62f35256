// For tests: answers one request without a socket. Its .cc replaces civetweb, so it is never linked
// into a program that has a Server.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/http/router.h"
#include "lib/http/server.h"

namespace mailhub::http {

// A server's handlers, options and shared state. Confined to one thread.
class PlayedServer {
 public:
  explicit PlayedServer(ServerOptions options);
  ~PlayedServer();
  PlayedServer(const PlayedServer&) = delete;
  PlayedServer& operator=(const PlayedServer&) = delete;

  void Handle(std::string method, std::string pattern, Handler handler);

  struct Answer {
    bool understood = false;  // the head; civetweb answers what it does not understand
    std::string bytes;        // the client's bytes
    int result = 0;           // the result of Exchange::Run
    size_t body_read = 0;
  };
  // Head and body as a client sends them. At most `piece` bytes of the body arrive at once; the
  // client leaves after `writes` writes.
  Answer Ask(std::string_view request, size_t piece, int writes);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::http
