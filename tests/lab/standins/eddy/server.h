// The directory's protocol: lines over TCP, one thread per client.
//
//   BIND client host    -> OK count
//   COUNT               -> count
//   PING                -> PONG
//   RESYNC partial|full -> SYNCING count, and when the work is done: SYNCED count
//   ALIASES             -> one `= local: target` per entry over the rebuild's time, then `. count`
#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "common/wire.h"
#include "eddy/directory.h"

namespace lab {

// Serves one directory. Owns its threads; Start and Stop are confined to one thread. Stop ends
// every client.
class Server {
 public:
  Server(const Directory& directory, Leak& leak) : directory_(directory), leak_(leak) {}
  ~Server() { Stop(); }

  // False when the port is not available.
  bool Start();
  void Stop();

 private:
  struct Client {
    explicit Client(int fd) : connection(fd) {}
    Connection connection;
    std::atomic<bool> done{false};
    std::jthread thread;
  };

  void Accept(const std::stop_token& stop, int listener);
  void Serve(const std::stop_token& stop, Connection& connection);
  bool Answer(const std::stop_token& stop, Connection& connection, const std::string& line,
              std::string& who);
  bool Resync(const std::stop_token& stop, Connection& connection, bool full,
              const std::string& who);
  bool SendAliases(const std::stop_token& stop, Connection& connection, const std::string& who);
  void Reap(bool all);

  const Directory& directory_;
  Leak& leak_;
  int listener_ = -1;
  std::mutex mutex_;
  std::list<Client> clients_;  // protected by mutex_
  std::jthread acceptor_;
};

}  // namespace lab
