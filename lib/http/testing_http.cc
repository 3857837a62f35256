#include "lib/http/testing_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace mailhub::http {
namespace {

constexpr Milliseconds kPatience{5000};

}  // namespace

RawClient::RawClient(int port, bool ipv6)
    : fd_(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(port));
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = in.sin_port;
  in6.sin6_addr = in6addr_loopback;
  const int failed = ipv6 ? connect(fd_, reinterpret_cast<sockaddr*>(&in6), sizeof in6)
                          : connect(fd_, reinterpret_cast<sockaddr*>(&in), sizeof in);
  if (failed != 0) Close();
}

RawClient::RawClient(int port, const char* from, int room)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (room > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, from, &address.sin_addr);
  bool fine = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fine = fine && connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!fine) Close();
}

RawClient::~RawClient() {
  Close();
}

void RawClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawClient::Fill(Milliseconds time) {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&poll_fd, 1, static_cast<int>(time.count())) <= 0) return false;
  std::array<char, 16384> chunk{};
  const ssize_t size = recv(fd_, chunk.data(), chunk.size(), 0);
  if (size <= 0) return false;
  buffer_.append(chunk.data(), static_cast<size_t>(size));
  return true;
}

std::string RawClient::Receive(bool without_body) {
  size_t head_end = std::string::npos;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill(kPatience)) return std::exchange(buffer_, {});
  }
  size_t total = head_end + 4;
  const size_t length = buffer_.find("Content-Length: ");
  if (!without_body && length < head_end)
    total += std::strtoul(buffer_.c_str() + length + 16, nullptr, 10);
  while (buffer_.size() < total) {
    if (!Fill(kPatience)) return std::exchange(buffer_, {});
  }
  std::string response = buffer_.substr(0, total);
  buffer_.erase(0, total);
  return response;
}

std::string RawClient::ReceiveSome(size_t most) {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&poll_fd, 1, static_cast<int>(kPatience.count())) <= 0) return {};
  std::string some(most, '\0');
  const ssize_t size = recv(fd_, some.data(), some.size(), 0);
  some.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return some;
}

std::string RawClient::ReceiveAll() {
  while (Fill(kPatience)) {
  }
  return std::exchange(buffer_, {});
}

std::string RawClient::ReceiveUntil(std::string_view what) {
  while (buffer_.find(what) == std::string::npos && Fill(kPatience)) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::ClosedWithin(Milliseconds time) {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (poll(&poll_fd, 1, static_cast<int>(time.count())) <= 0) return false;
  char c = 0;
  return recv(fd_, &c, 1, 0) <= 0;
}

TempDir::TempDir() {
  std::string pattern = "/tmp/mailhub-http-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempDir::~TempDir() {
  std::filesystem::remove_all(path_);
}

std::string TempDir::Write(std::string_view name, std::string_view text) const {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

void MakeCertificate(const TempDir& directory, const std::string& name, const std::string& issuer,
                     const std::string& names) {
  const std::string base = directory.Path(name);
  std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" +
      name + " -addext subjectAltName=" + names + " -keyout " + base + ".key -out " + base + ".crt";
  if (!issuer.empty()) {
    command += " -addext basicConstraints=critical,CA:false -CA " + directory.Path(issuer) +
               ".crt -CAkey " + directory.Path(issuer) + ".key";
  }
  if (std::system((command + " 2>/dev/null").c_str()) != 0) std::abort();
}

}  // namespace mailhub::http
