// Lines over TCP and local sockets, for the directory's protocol and the agents' control.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

// The directory's listen address.
inline constexpr char kDirectoryAddress[] = "10.231.77.10";
inline constexpr int kDirectoryPort = 17003;

// Owns a file descriptor and the bytes read beyond the last line. Movable; confined to one thread.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  int fd() const { return fd_; }

  // Sends all of it; false when the other side is gone.
  bool Send(std::string_view text);

  // The next line without its end; nothing at end of stream, on an error, or after `patience`.
  std::optional<std::string> ReadLine(std::chrono::milliseconds patience);

  // Whether a whole line is already here, so that no wait for more bytes is needed.
  bool HasLine() const { return buffer_.find('\n') != std::string::npos; }

 private:
  int fd_;
  std::string buffer_;
};

// Connects within `patience`; nothing on refusal or silence.
std::optional<Connection> ConnectTcp(const char* address, int port,
                                     std::chrono::milliseconds patience);

// A listening socket on every address, or -1 (reason in errno).
int ListenTcp(int port);

// Sockets in the host's abstract namespace: they vanish with their owner.
std::optional<Connection> ConnectLocal(std::string_view name);
int ListenLocal(std::string_view name);

// A descriptor that becomes readable when one of SIGTERM and SIGINT arrives; blocks both for all
// later threads.
int TerminationDescriptor();

}  // namespace lab
