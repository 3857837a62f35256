// The HTTP server of both programs: routes, limits, authentication before the body is read, and
// streams. No files, directories, CGI or forms. civetweb stays in the .cc.
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

// The first header of that name in any case; nullptr when there is none.
const std::string* FindHeader(const Headers& headers, std::string_view name);

// What a socket takes at once, or nearly; more than that waits in memory for its client.
inline constexpr size_t kLongAnswer = size_t{64} << 10;
inline constexpr const char* kTooManyLongAnswers = "too many long answers are on their way";

struct Request {
  std::string method;  // "GET" also for HEAD
  std::string path;    // percent-decoded, without "." or ".." segments, begins with "/"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;
  std::string body;            // empty during before_body
  std::string remote_address;  // numeric
  std::string origin;          // the same for all addresses of one owner: with IPv6, a network's
  std::string user;            // user of basic authentication; "" when that is not configured
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

// A response whose body is produced while it is sent: server-sent events, a log being followed.
struct Stream {
  // Called repeatedly on the request's worker thread. Appends available data to the empty *chunk
  // and returns true, or returns false at the end (appended data is still sent). It must return
  // within 500 ms, with nothing if there is nothing: between calls the server checks whether it
  // must stop.
  std::function<bool(std::string* chunk)> next;
  // Sent after every 5 s without data, so that the server notices when a client has left: ": \n\n"
  // for server-sent events. Without it, such a stream keeps its worker until it next sends or ends.
  std::string heartbeat;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Headers headers;               // additional ones; never Content-Length, Connection or the like
  std::string body;              // gzipped when longer than 1 KiB and accepted by the client
  std::optional<Stream> stream;  // instead of body
};

// A plain-text response with the status, and the text as its body (a newline is added).
Response TextResponse(int status, std::string text);

// Runs on one of the server's worker threads, many at once. An exception becomes a 500 and a log
// line.
using Handler = std::function<Response(const Request&)>;

// A route's body limit beyond the server's own.
struct BodyLimit {
  // The longest body; 0: max_body_bytes.
  size_t bytes = 0;
  // A body longer than max_body_bytes is read only while fewer than this many are in memory, from
  // the first byte until the handler has returned; beyond that: 503.
  int long_at_once = 1;
};

struct ServerOptions {
  // "127.0.0.1:9115", "[::1]:9115", ":9115" (all addresses); port 0 picks a free one.
  std::vector<std::string> listen_addresses = {"127.0.0.1:0"};
  // Listening TCP sockets that somebody else has opened; the server's from Start() on. If there is
  // one, listen_addresses are not used.
  std::vector<int> sockets = {};
  // Before the path of every page, as "/mailhub"; handlers and patterns do not see it. The prefix
  // itself, and "/", lead to the page "/" below it; other paths outside of it are unknown. Empty: none.
  std::string route_prefix = {};
  // Null: no TLS, no login.
  std::shared_ptr<WebConfig> web_config;
  // A longer body gets 413 and is not read, unless its route accepts longer ones.
  size_t max_body_bytes = size_t{1} << 20;
  // A longer path with its query gets 414. (All headers together: 16 KiB, and at most 63 of them,
  // else 431.)
  size_t max_path_bytes = 4096;
  // One worker thread each. A client gets one when its request's head has arrived. Until then it
  // waits without one, as do at most 1,000 others (fewer where the process may open fewer than
  // 4,000 files).
  int max_connections = 32;
  // Of them, those of one address; 0: all.
  int max_of_one_address = 0;
  // Less than max_connections. A stream occupies its worker. 503 beyond this number, or where
  // streams and awaited bodies would leave less than a quarter of the workers to others.
  int max_streams = 8;
  // Answers over 64 KiB, packed, that are on their way at once; half of them to one address at most.
  // Beyond it, or where streams, awaited bodies and they would leave less than a quarter of the
  // workers to others: 503. 0: any number, for clients who may be many and take their answers at
  // once.
  int max_long_answers = 0;
  // For the head, from the connection's begin on; for the body; for each write. While others wait
  // for a worker: 2 s at most for body and write, 1 s for a TLS handshake.
  Milliseconds request_timeout{10'000};
  // An idle connection stays this long and occupies its worker, unless another client needs that.
  // 0: not at all.
  Milliseconds keep_alive{2'000};
  // Called where web_config requires a login: true if this request needs none, because its handler
  // or before_body checks another proof. kRefused is answered with 401, any other error with 503,
  // with the error's sentence.
  std::function<Result<bool>(const Request&)> needs_no_login;
  // Called after routing and login, before the body's length is checked and the body is read. A
  // response here is the answer.
  std::function<std::optional<Response>(const Request&)> before_body;
  // Called before each answer of 400 and above is sent, also the server's own; may rewrite it.
  // Unreadable parts of the request are empty; a path that was not understood is raw. Not called
  // for a head that is not HTTP or too long for the library.
  std::function<void(const Request&, Response*)> on_refusal;
  // Called by the accepting thread at least every 5 s, for a watchdog: new clients are taken. Must not block.
  std::function<void()> on_alive;
  // Called for each finished request, for metrics. `route` is the pattern given to Handle, or ""
  // (404, malformed).
  std::function<void(std::string_view route, int status, Milliseconds took)> on_finished;
};

// Owns its threads and sockets. Handle() before Start(); after that immutable and thread-safe.
// Several may exist in one process. Client input can make it answer 400, 401, 404, 405, 408, 411
// (chunked bodies), 413, 414, 417, 429, 431, 503 or 505, and cannot make it fail.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Routes `method` requests for `pattern` to `handler`. A pattern is a path, or a path ending in
  // "/*" for all paths below it; an exact pattern wins, then the longest. GET serves HEAD too.
  // Another method on a known path: 405.
  void Handle(std::string method, std::string pattern, Handler handler, BodyLimit limit = {});

  // Binds and starts. kInvalid for a bad address, an inherited descriptor that is no listening TCP
  // socket, or impossible options; kRefused when a port is taken or forbidden.
  Status Start();

  // Ends streams and idle connections, refuses incomplete requests (503), lets running handlers
  // finish, joins the threads. Takes less than 0.1 s beyond the longest handler, and up to 1.5 s if
  // a client receives slowly. Idempotent; must not be called by a handler.
  void Stop();

  int Port() const;  // the port of its first address; 0 unless started
  // Where it listens, as "127.0.0.1:9115" or "[::]:9115"; none unless started.
  std::vector<std::string> Addresses() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether a listen address (as in ServerOptions) is reachable only from this machine: 127.0.0.0/8,
// [::1], localhost.
bool IsLoopback(std::string_view listen_address);

// Whether a text is a listen address. kInvalid with what was expected.
Status CheckListenAddress(std::string_view text);

// Where an inherited socket listens, as a listen address. kInvalid if it is no TCP socket.
Result<std::string> AddressOfSocket(int fd);

}  // namespace mailhub::http
