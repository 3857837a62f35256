// Reports as one-line JSON over a Unix datagram socket.
#include "common/evidence.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace lab {
namespace {

constexpr char kSocketPath[] = "/run/lab-evidence/socket";

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

std::int64_t RealtimeMicros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

Event::Event(std::string_view program, std::string_view event)
    : time_us_(RealtimeMicros()), pid_(getpid()) {
  AddRaw("program", Quote(program));
  AddRaw("event", Quote(event));
}

Event& Event::AddRaw(std::string_view key, std::string_view json) {
  fields_.append(",").append(Quote(key)).append(":").append(json);
  return *this;
}

Event& Event::Add(std::string_view key, std::string_view value) {
  return AddRaw(key, Quote(value));
}

Event& Event::Add(std::string_view key, std::int64_t value) {
  return AddRaw(key, std::to_string(value));
}

Event& Event::Add(std::string_view key, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return AddRaw(key, text);
}

Event& Event::SetPid(int pid) {
  pid_ = pid;
  return *this;
}

void Event::Send() const {
  char head[96];
  std::snprintf(head, sizeof head, "{\"time\":%lld.%06lld,\"pid\":%d",
                static_cast<long long>(time_us_ / 1000000),
                static_cast<long long>(time_us_ % 1000000), pid_);
  const std::string report = head + fields_ + "}";

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, kSocketPath, sizeof address.sun_path - 1);
  (void)!sendto(fd, report.data(), report.size(), MSG_NOSIGNAL,
                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  close(fd);
}

}  // namespace lab
