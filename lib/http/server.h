// The HTTP server of both programs: routes, limits, authentication before the body is read, and
// streams. It serves handlers only: no files, no directories, no CGI, no forms. civetweb stays in
// the .cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/web_config.h"

namespace mailhub::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first header of that name, whatever its case; nullptr when there is none.
const std::string* FindHeader(const Headers& headers, std::string_view name);

// What a socket takes at once, or nearly; more than that waits in memory for its client.
inline constexpr size_t kLongAnswer = size_t{64} << 10;
inline constexpr const char* kTooManyLongAnswers = "too many long answers are on their way";

struct Request {
  std::string method;  // "GET" also when the client said HEAD
  std::string path;    // percent-decoded, never holds "." or ".." segments, begins with "/"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in the order they came
  Headers headers;
  std::string body;            // empty while before_body looks at the request
  std::string remote_address;  // numeric
  std::string user;  // who logged in with basic authentication; "" when that is not configured
  bool tls = false;
  // Asked by a handler before its answer grows over kLongAnswer: false where max_long_answers leaves
  // no room for it, and then nothing more has to be made of it. Null: there is no limit.
  std::function<bool()> may_be_long;

  std::string_view Header(std::string_view name) const;  // "" when absent
  std::string_view Authorization() const { return Header("Authorization"); }
  // "Authorization: Bearer TOKEN": the token, else "".
  std::string_view BearerToken() const;
  // The first value of a query parameter.
  std::optional<std::string> Query(std::string_view name) const;
  std::vector<std::string> QueryAll(std::string_view name) const;
};

// A response whose body is made while it is sent: server-sent events, a log being followed.
struct Stream {
  // Called again and again on the request's worker thread; appends what there is to the empty
  // *chunk and returns true, or returns false at the end (what it appended is still sent). It must
  // come back within 500 ms, with nothing if there is nothing: between calls the server notices
  // that it is being stopped.
  std::function<bool(std::string* chunk)> next;
  // Sent whenever 5 s passed without data, so that a client that left is noticed: ": \n\n" for
  // server-sent events. Without it such a stream keeps its worker until it next sends or ends.
  std::string heartbeat;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Headers headers;               // further ones; never Content-Length, Connection or the like
  std::string body;              // gzipped when longer than 1 KiB and the client accepts that
  std::optional<Stream> stream;  // instead of body
};

// A plain-text response with the status, and the text as its body (a newline is added).
Response TextResponse(int status, std::string text);

// Runs on one of the server's worker threads, many at once. What it throws becomes a 500 and a log
// line.
using Handler = std::function<Response(const Request&)>;

// What a route takes beyond the server's own limit.
struct BodyLimit {
  // The longest body; 0: max_body_bytes.
  size_t bytes = 0;
  // A body longer than max_body_bytes is read only while fewer than so many are in memory, from
  // its first byte until the handler has returned; beyond that: 503.
  int long_at_once = 1;
};

struct ServerOptions {
  // "127.0.0.1:9115", "[::1]:9115", ":9115" (all addresses); port 0 picks a free one.
  std::string listen_address = "127.0.0.1:0";
  // Null: no TLS, no login.
  std::shared_ptr<WebConfig> web_config;
  // A longer body: 413, and it is not read, unless its route takes longer ones.
  size_t max_body_bytes = size_t{1} << 20;
  // A longer path with its query: 414. (All headers together: 16 KiB, and at most 63 of them,
  // else 431.)
  size_t max_path_bytes = 4096;
  // One worker thread each. A client gets one when its request's head has come; until then it waits
  // without, as do at most 1,000 others (fewer where the process may open fewer than 4,000 files).
  int max_connections = 32;
  // Less than max_connections. A stream occupies its worker; beyond this number, or where streams
  // and awaited bodies would leave less than a quarter of the workers to others: 503.
  int max_streams = 8;
  // Answers over 64 KiB, packed, that are on their way at once; half of them to one address at most.
  // Beyond it, or where streams, awaited bodies and they would leave less than a quarter of the
  // workers to others: 503. 0: any number, for clients who may be many and take their answers at
  // once.
  int max_long_answers = 0;
  // For the head, from the connection's begin on; for the body; for each write. While others wait
  // for a worker: 2 s at most for body and write, 1 s for a TLS handshake.
  Milliseconds request_timeout{10'000};
  // An idle connection is kept this long, and occupies its worker, until another client needs that.
  // 0: not at all.
  Milliseconds keep_alive{2'000};
  // Asked where web_config wants a login: true if the request needs none, because it proves
  // itself to its handler or before_body by something else. A kRefused is answered 401, any other
  // error 503, with its sentence.
  std::function<Result<bool>(const Request&)> needs_no_login;
  // Asked after routing and login, before the body's length is judged and the body is read: a
  // response here is the answer.
  std::function<std::optional<Response>(const Request&)> before_body;
  // Told of each answer of 400 and above before it is sent, the server's own included, and may
  // write it otherwise. What of the request could not be read is empty; a path that was not
  // understood is as it came. A head that is no HTTP, or too long for the library, is answered
  // without it.
  std::function<void(const Request&, Response*)> on_refusal;
  // Told about each finished request, for metrics. `route` is the pattern given to Handle, or ""
  // (404, malformed).
  std::function<void(std::string_view route, int status, Milliseconds took)> on_finished;
};

// Owns its threads and sockets. Handle() before Start(); after that immutable and thread-safe.
// Several may live in one process. What clients send can make it answer 400, 401, 404, 405, 408,
// 411 (chunked bodies), 413, 414, 417, 431, 503 or 505, and cannot make it fail.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Sends `method` requests for `pattern` to `handler`. A pattern is a path, or a path ending in
  // "/*" for all below it; an exact one wins, then the longest. GET serves HEAD too. Another method
  // on a known path: 405.
  void Handle(std::string method, std::string pattern, Handler handler, BodyLimit limit = {});

  // Binds and starts. kInvalid for a bad address or impossible options, kRefused when the port is
  // taken or forbidden.
  Status Start();

  // Ends streams and idle connections, refuses what has not come whole (503), lets handlers in
  // progress finish, joins the threads. Takes less than 0.1 s beyond the longest of them, and up to
  // 1.5 s where a client takes its answer slowly. Idempotent; not to be called by a handler.
  void Stop();

  int Port() const;  // the port it listens on; 0 unless started

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether a listen address (as in ServerOptions) can only be reached from this machine:
// 127.0.0.0/8, [::1], localhost.
bool IsLoopback(std::string_view listen_address);

}  // namespace mailhub::http
