// One HTTP exchange, from the request's head to the answer's last byte, on its worker thread;
// internal to this folder.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "lib/http/accept_queue.h"
#include "lib/http/connections.h"
#include "lib/http/router.h"
#include "lib/http/server.h"

struct mg_connection;

namespace mailhub::http {

// The state that all exchanges of a server share. Immutable except for the atomics.
struct Shared {
  const ServerOptions& options;
  const Router& router;
  AcceptQueue* queue = nullptr;  // null: there are no sockets
  std::atomic<bool> stopping{false};
  std::atomic<int> streams{0};
  std::atomic<int> long_bodies{0};
};

// Confined to the worker's thread.
class Exchange {
 public:
  Exchange(mg_connection* conn, Connection* connection, Shared* shared);

  // Reads, dispatches, answers. Returns the value for civetweb's begin_request: a status, or -1
  // when the connection must end.
  int Run();

 private:
  // A step that returns false (or nullptr) has answered, and the exchange is over.
  std::optional<Response> CheckPresence();
  std::optional<Response> ReadHead();
  std::optional<Response> CheckWhole() const;
  std::optional<Response> CheckFraming();
  std::optional<Response> LogIn();
  void StripPrefix();
  std::optional<Response> FindTarget();
  std::optional<Response> CheckLength() const;
  std::optional<Response> ReadBody();
  Response Dispatch();

  bool WantsKeepAlive() const;
  bool Write(std::string_view bytes);
  int Answer(Response response);
  void Pack(Response* response) const;
  void AnswerBody(Response* response, Headers* headers);
  void AnswerStream(Stream* stream, int status, Headers* headers);
  bool SendChunk(std::string_view chunk);

  mg_connection* const conn_;
  Connection* const connection_;
  Shared* const shared_;
  const SteadyTime start_;
  Request request_;
  bool head_only_ = false;  // HEAD
  bool http10_ = false;
  bool keep_ = false;
  bool outside_ = false;  // of the prefix
  bool body_unread_ = false;
  bool client_gone_ = false;
  size_t content_length_ = 0;
  const Router::Route* route_ = nullptr;
  const Target* target_ = nullptr;
};

// Headers of every answer, the web config's included.
Headers CommonHeaders(const ServerOptions& options);

}  // namespace mailhub::http
