// The directory's expensive work: clients that resynchronise, and the rebuild that reads every
// alias.
#include "eddy/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/burner.h"
#include "common/evidence.h"
#include "common/knobs.h"
#include "eddy/root.h"

namespace lab {
namespace {

constexpr std::size_t kMaxClients = 64;
constexpr std::chrono::milliseconds kIdlePoll{200};
constexpr std::chrono::milliseconds kSlot{100};

}  // namespace

bool Server::Start() {
  listener_ = ListenTcp(kDirectoryPort);
  if (listener_ < 0) return false;
  acceptor_ = std::jthread([this](const std::stop_token& stop) { Accept(stop, listener_); });
  return true;
}

void Server::Stop() {
  if (listener_ < 0) return;
  acceptor_.request_stop();
  acceptor_.join();
  close(listener_);
  listener_ = -1;
  Reap(true);
}

void Server::Accept(const std::stop_token& stop, int listener) {
  while (!stop.stop_requested()) {
    Reap(false);
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(kIdlePoll.count())) <= 0) continue;
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= kMaxClients) {
      close(fd);
      continue;
    }
    Client& client = clients_.emplace_back(fd);
    client.thread = std::jthread([this, &client](const std::stop_token& client_stop) {
      Serve(client_stop, client.connection);
      client.done = true;
    });
  }
}

void Server::Reap(bool all) {
  const std::lock_guard lock(mutex_);
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (all && !client->done) {
      client->thread.request_stop();
      shutdown(client->connection.fd(), SHUT_RDWR);
    }
    client = all || client->done ? clients_.erase(client) : std::next(client);
  }
}

void Server::Serve(const std::stop_token& stop, Connection& connection) {
  std::string who = "unbound";
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = connection.fd(), .events = POLLIN, .revents = 0};
    if (!connection.HasLine() && poll(&waiting, 1, static_cast<int>(kIdlePoll.count())) <= 0)
      continue;
    const auto line = connection.ReadLine(std::chrono::seconds(5));
    if (!line || !Answer(stop, connection, *line, who)) return;
  }
}

bool Server::Answer(const std::stop_token& stop, Connection& connection, const std::string& line,
                    std::string& who) {
  if (line.rfind("BIND ", 0) == 0) {
    who = line.substr(5, 64);
    return connection.Send("OK " + std::to_string(directory_.Served()) + "\n");
  }
  if (line == "COUNT") return connection.Send(std::to_string(directory_.Served()) + "\n");
  if (line == "PING") return connection.Send("PONG\n");
  if (line == "RESYNC partial") return Resync(stop, connection, false, who);
  if (line == "RESYNC full") return Resync(stop, connection, true, who);
  if (line == "ALIASES") return SendAliases(stop, connection, who);
  return connection.Send("ERR\n");
}

bool Server::Resync(const std::stop_token& stop, Connection& connection, bool full,
                    const std::string& who) {
  const std::string count = std::to_string(directory_.Served());
  if (!connection.Send("SYNCING " + count + "\n")) return false;
  Event(kEddy, "resync_begin").Add("client", who).Add("full", full ? 1 : 0).Send();
  const double seconds = full ? Knob("resync_after_rebuild_seconds", 8) : Knob("resync_seconds", 4);
  Burner(Knob("resync_load", 0.75), seconds).Join(stop);
  Event(kEddy, "resync_end")
      .Add("client", who)
      .Add("complete", stop.stop_requested() ? 0 : 1)
      .Send();
  return !stop.stop_requested() && connection.Send("SYNCED " + count + "\n");
}

bool Server::SendAliases(const std::stop_token& stop, Connection& connection,
                         const std::string& who) {
  const std::size_t count = directory_.Served();
  const double seconds = std::max(0.1, Knob("rebuild_seconds", 25));
  const double leak_per_entry = Knob("leak_rebuild_mb", 520) * (1 << 20) /
                                static_cast<double>(std::max<std::size_t>(count, 1));
  Event(kEddy, "aliases_begin").Add("client", who).Add("entries", static_cast<int>(count)).Send();
  const Burner burner(Knob("rebuild_load", 0.4), seconds);
  const auto begin = std::chrono::steady_clock::now();
  bool alive = true;
  std::size_t sent = 0;
  while (alive && sent < count && !stop.stop_requested()) {
    std::this_thread::sleep_for(kSlot);
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto due =
        static_cast<std::size_t>(std::min(1.0, elapsed / seconds) * static_cast<double>(count));
    std::string batch;
    for (; sent < due; ++sent) {
      const Entry& entry = directory_.entries()[sent];
      batch.append("= ").append(entry.local).append(": ").append(entry.target).append("\n");
      leak_.Grow(leak_per_entry);
    }
    alive = connection.Send(batch);
  }
  const bool complete = alive && sent == count;
  Event(kEddy, "aliases_end")
      .Add("client", who)
      .Add("sent", static_cast<int>(sent))
      .Add("complete", complete ? 1 : 0)
      .Send();
  return complete && connection.Send(". " + std::to_string(count) + "\n");
}

}  // namespace lab
