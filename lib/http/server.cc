// civetweb is used for its sockets, threads, TLS and parsing of heads. exchange.cc decides
// everything else, from routing on; civetweb's begin_request callback calls it for every request.
#include "lib/http/server.h"

#include <civetweb.h>
#include <sys/resource.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "lib/base/log.h"
#include "lib/http/accept_queue.h"
#include "lib/http/civetweb_calls.h"
#include "lib/http/connections.h"
#include "lib/http/exchange.h"
#include "lib/http/listeners.h"
#include "lib/http/message.h"
#include "lib/http/router.h"

namespace mailhub::http {
namespace {

// Several times the accepted size, so that our code refuses it, and not civetweb.
constexpr const char* kMaxHead = "65536";
// Connections that arrive faster than they are accepted; beyond it a client tries again after 1 s.
constexpr int kBacklog = 1024;
constexpr Milliseconds kGrace{1000};  // for slow clients, after Stop begins

thread_local std::string said_while_starting;  // civetweb reports a failed start only to its log

// Once per process: several servers share civetweb's global state.
bool InitLibrary() {
  static const bool done = mg_init_library(MG_FEATURES_TLS | MG_FEATURES_IPV6) != 0;
  return done;
}

}  // namespace

struct Server::Impl {
  ServerOptions options;
  Router router;
  std::unique_ptr<AcceptQueue> queue;        // while it is started
  std::unique_ptr<Connections> connections;  // likewise
  Shared shared{options, router};
  mg_context* context = nullptr;
  std::vector<std::string> addresses;
  std::mutex mutex;
  std::condition_variable idle;
  int in_flight = 0;  // protected by mutex

  explicit Impl(ServerOptions given) : options(std::move(given)) {}

  static Impl* Of(const mg_connection* conn) {
    return static_cast<Impl*>(mg_get_user_data(mg_get_context(conn)));
  }
  static Connection* ConnectionOf(const mg_connection* conn) {
    return static_cast<Connection*>(mg_get_user_connection_data(conn));
  }
  // While a request is known.
  static Connection* AttachedConnectionOf(const mg_connection* conn) {
    ConnectionOf(conn)->Attach(WorkersSocket());
    return ConnectionOf(conn);
  }

  static void* OnThread(const mg_context* context, int kind);
  static int OnLog(const mg_connection* conn, const char* message);
  static int OnOpen(const mg_connection* conn, void** data);
  static void OnClose(const mg_connection* conn);
  static int OnRequest(mg_connection* conn);
  static int OnError(mg_connection* conn, int status, const char* message);
  static void AnswerForeignTarget(const mg_connection* conn);
  static void Refuse(mg_connection* conn, int status, const std::string& text);
  std::string Refusal(int status, const std::string& text) const;
  static int OnTls(void** tls_context, void* user);

  Status Check() const;
  Result<Listeners> Listen();
  void Enter() {
    std::lock_guard lock(mutex);
    ++in_flight;
  }
  void Leave() {
    std::lock_guard lock(mutex);
    if (--in_flight == 0) idle.notify_all();
  }
  AcceptQueueOptions HowToWait();
};

int Server::Impl::OnLog(const mg_connection*, const char* message) {
  if (said_while_starting.empty()) said_while_starting = message;  // the first one is the cause
  LogDebug("http server", {{"said", message}});
  return 1;  // and not to civetweb's own file
}

void* Server::Impl::OnThread(const mg_context* context, int kind) {
  constexpr int kAccepting = 0;
  constexpr int kWorker = 1;
  AcceptQueue* const queue = static_cast<Impl*>(mg_get_user_data(context))->queue.get();
  if (kind == kAccepting) BecomeAcceptingThread(queue);
  if (kind == kWorker) BecomeWorker(queue);
  return nullptr;
}

// After the TLS handshake, if there is one.
int Server::Impl::OnOpen(const mg_connection* conn, void** data) {
  Impl* impl = Of(conn);
  Connection* const connection = impl->connections->Add(std::make_unique<Connection>());
  *data = connection;
  EndHandshake();
  if (WorkersSocket() < 0) return 0;  // it is known once this worker waits for the client
  connection->Attach(WorkersSocket());
  connection->BeginUntil(SteadyNow() + impl->options.request_timeout);
  return 0;
}

void Server::Impl::OnClose(const mg_connection* conn) {
  Impl* impl = Of(conn);
  Connection* connection = ConnectionOf(conn);
  if (connection != nullptr) {  // null if the TLS handshake failed
    AnswerForeignTarget(conn);
    impl->connections->Remove(connection);
  }
  impl->queue->OnLeft(LeaveWorkersSocket());
}

// civetweb has no callback for a request with another or no target: "GET http://elsewhere/",
// "OPTIONS *".
void Server::Impl::AnswerForeignTarget(const mg_connection* conn) {
  const mg_request_info* info = mg_get_request_info(conn);
  const bool foreign = info != nullptr && info->request_method != nullptr &&
                       info->request_uri != nullptr && info->local_uri_raw == nullptr &&
                       info->request_uri[0] != '/' && !ConnectionOf(conn)->Refused();
  if (foreign) Refuse(const_cast<mg_connection*>(conn), 400, "that is no page of this server");
}

int Server::Impl::OnRequest(mg_connection* conn) {
  Impl* impl = Of(conn);
  // Later requests are refused, and Stop does not wait for them.
  const bool counted = !impl->shared.stopping;
  if (counted) impl->Enter();
  const int result = Exchange(conn, AttachedConnectionOf(conn), &impl->shared).Run();
  if (counted) impl->Leave();
  return result != 0 ? result : -1;
}

std::string Server::Impl::Refusal(int status, const std::string& text) const {
  Headers headers = CommonHeaders(options);
  SetHeader(&headers, "Content-Type", "text/plain; charset=utf-8");
  SetHeader(&headers, "Content-Length", std::to_string(text.size() + 1));
  SetHeader(&headers, "Connection", "close");
  return ComposeHead(status, headers) + text + "\n";
}

void Server::Impl::Refuse(mg_connection* conn, int status, const std::string& text) {
  const Impl* impl = Of(conn);
  const std::string answer = impl->Refusal(status, text);
  mg_write(conn, answer.data(), answer.size());
  AttachedConnectionOf(conn)->SetRefused();
  AttachedConnectionOf(conn)->Linger(impl->queue.get(), true);
  if (impl->options.on_finished) impl->options.on_finished("", status, Milliseconds(0));
}

// civetweb did not understand the head, or waited in vain for the rest of it. It closes the
// connection afterwards.
int Server::Impl::OnError(mg_connection* conn, int status, const char*) {
  std::string text = "the request is malformed, incomplete or far too long";
  if (status == 505) {
    text = "only HTTP/1.1 and HTTP/1.0 are spoken here";
  } else if (status < 500) {
    status = 400;  // it gives 411 for a malformed Content-Length, and 413 for a head
  }
  Refuse(conn, status, text);
  return 0;
}

int Server::Impl::OnTls(void** tls_context, void* user) {
  if (*tls_context != nullptr) return 0;  // the end: civetweb frees it
  auto created = static_cast<Impl*>(user)->options.web_config->NewTlsContext();
  if (!created) {
    LogError("TLS cannot be set up", {{"error", created.error().message}});
    return -1;
  }
  *tls_context = *created;
  return 1;
}

Status Server::Impl::Check() const {
  if (options.max_connections < 1 || options.max_connections > 1000 || options.max_streams < 0 ||
      options.max_streams >= options.max_connections || options.max_long_answers < 0 ||
      options.max_of_one_address < 0) {
    return Fail(ErrorKind::kInvalid,
                "max_connections is 1 to 1000, max_streams less than that, and max_long_answers "
                "and max_of_one_address not negative");
  }
  if (options.request_timeout < Milliseconds(1) || options.max_path_bytes > 16384) {
    return Fail(ErrorKind::kInvalid,
                "request_timeout is positive, and max_path_bytes 16384 at most");
  }
  return {};
}

Result<Listeners> Server::Impl::Listen() {
  Listeners listeners;
  Status wrong;
  // All of them, so that each has its owner.
  for (const int fd : std::exchange(options.sockets, {})) {
    if (Status fits = listeners.Inherit(fd); !fits && wrong) wrong = Fail(fits.error());
    options.listen_addresses.clear();
  }
  if (!wrong) return Fail(wrong.error());
  for (const std::string& address : options.listen_addresses) {
    if (Status opened = listeners.Open(address, kBacklog); !opened) return Fail(opened.error());
  }
  if (listeners.Addresses().empty()) return Fail(ErrorKind::kInvalid, "no address to listen on");
  return listeners;
}

// The other descriptors of the process are for its real work.
size_t MostWaiting() {
  constexpr rlim_t kMost = 1'000;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<size_t>(std::clamp<rlim_t>(limit.rlim_cur / 4, 16, kMost));
}

AcceptQueueOptions Server::Impl::HowToWait() {
  AcceptQueueOptions wait;
  wait.tls = options.web_config != nullptr && options.web_config->UsesTls();
  wait.patience = options.request_timeout;
  wait.workers = static_cast<size_t>(options.max_connections);
  wait.workers_of_one = static_cast<size_t>(options.max_of_one_address);
  wait.long_answers = static_cast<size_t>(options.max_long_answers);
  wait.most_waiting = MostWaiting();
  wait.refusal = [this](int status, const char* text) {
    if (options.on_finished) options.on_finished("", status, Milliseconds(0));
    return Refusal(status, text);
  };
  wait.on_crowd = [this] { connections->EndAnIdleOne(); };
  wait.on_turn = options.on_alive;  // civetweb waits for 2 s at most
  return wait;
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() {
  Stop();
}

void Server::Handle(std::string method, std::string pattern, Handler handler, BodyLimit limit) {
  impl_->router.Add(std::move(method), std::move(pattern), std::move(handler), limit);
}

Status Server::Start() {
  if (Status status = impl_->Check(); !status) return status;
  if (!InitLibrary()) return Fail(ErrorKind::kInternal, "civetweb was built without TLS or IPv6");
  const ServerOptions& options = impl_->options;
  auto listeners = impl_->Listen();
  if (!listeners) return Fail(listeners.error());
  const bool tls = options.web_config != nullptr && options.web_config->UsesTls();
  const std::string listen = listeners->CivetwebText(tls);
  const std::string backlog = std::to_string(kBacklog);
  const std::string workers = std::to_string(options.max_connections);
  const std::string timeout = std::to_string(options.request_timeout.count());
  const std::string keep_alive = std::to_string(options.keep_alive.count());
  const std::array<const char*, 23> settings{"listening_ports",
                                             listen.c_str(),
                                             "num_threads",
                                             workers.c_str(),
                                             "listen_backlog",
                                             backlog.c_str(),
                                             "connection_queue",
                                             workers.c_str(),
                                             "request_timeout_ms",
                                             timeout.c_str(),
                                             "enable_keep_alive",
                                             options.keep_alive > Milliseconds(0) ? "yes" : "no",
                                             "max_request_size",
                                             kMaxHead,
                                             "keep_alive_timeout_ms",
                                             keep_alive.c_str(),
                                             "tcp_nodelay",
                                             "1",
                                             "decode_url",
                                             "no",
                                             "enable_auth_domain_check",
                                             "no",
                                             nullptr};
  mg_callbacks callbacks{};
  callbacks.init_thread = &Impl::OnThread;
  callbacks.log_message = &Impl::OnLog;
  callbacks.init_connection = &Impl::OnOpen;
  callbacks.connection_close = &Impl::OnClose;
  callbacks.begin_request = &Impl::OnRequest;
  callbacks.http_error = &Impl::OnError;
  callbacks.external_ssl_ctx = &Impl::OnTls;
  said_while_starting.clear();
  impl_->queue = std::make_unique<AcceptQueue>(impl_->HowToWait());
  if (Status status = impl_->queue->Check(); !status) return status;
  impl_->connections = std::make_unique<Connections>(
      [queue = impl_->queue.get()] { return queue->SomebodyWaits(); });
  impl_->shared.queue = impl_->queue.get();
  {
    const GivesListeners gives(&*listeners);
    impl_->context = mg_start(&callbacks, impl_.get(), const_cast<const char**>(settings.data()));
  }
  if (impl_->context == nullptr)
    return Fail(ErrorKind::kRefused, "cannot serve: " + said_while_starting);
  impl_->addresses = listeners->Addresses();
  return {};
}

void Server::Stop() {
  if (impl_->context == nullptr) return;
  impl_->shared.stopping = true;
  impl_->connections->StopReading();
  {
    std::unique_lock lock(impl_->mutex);
    // The next round catches a connection that begins to wait for a slow client only now.
    while (
        !impl_->idle.wait_for(lock, Milliseconds(100), [this] { return impl_->in_flight == 0; })) {
      impl_->connections->Hasten(SteadyNow() + kGrace);
    }
  }
  impl_->queue->Close();
  mg_stop(impl_->context);
  impl_->context = nullptr;
  impl_->addresses.clear();
  impl_->connections.reset();
  impl_->shared.queue = nullptr;
  impl_->queue.reset();
}

int Server::Port() const {
  if (impl_->addresses.empty()) return 0;
  const std::string& first = impl_->addresses.front();
  return std::atoi(first.c_str() + first.rfind(':') + 1);
}

std::vector<std::string> Server::Addresses() const {
  return impl_->addresses;
}

}  // namespace mailhub::http
