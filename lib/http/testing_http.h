// For tests: a client and a listener that send exactly the given bytes.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/clock.h"

namespace mailhub::http {

// Owns one TCP connection to 127.0.0.1 (or ::1). Confined to one thread. Every wait ends after 5 s
// at most.
class RawClient {
 public:
  explicit RawClient(int port, bool ipv6 = false);
  // From another address of this machine, "127.0.0.20"; with room for so many unread bytes, or as
  // many as usual.
  RawClient(int port, const char* from, int room = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool Send(std::string_view bytes);
  // Head and body of the next response, by its Content-Length; at the connection's end or the
  // time-out, all bytes so far.
  std::string Receive(bool without_body = false);
  // What comes next, so many bytes at most; "" when the connection ended or the time was up.
  std::string ReceiveSome(size_t most);
  // Everything until the server closes, or the time is up.
  std::string ReceiveAll();
  // Reads until `what` is part of the text.
  std::string ReceiveUntil(std::string_view what);
  bool ClosedWithin(Milliseconds time);
  void Close();

 private:
  bool Fill(Milliseconds time);
  int fd_;
  std::string buffer_;
};

// A temporary directory, removed with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string Write(std::string_view name, std::string_view text) const;  // the file's path

 private:
  std::string path_;
};

// Makes NAME.crt and NAME.key in the directory, signed by ISSUER (made before); an empty issuer
// means a self-signed CA. `names`: its alternative names in OpenSSL's notation. Aborts if the openssl
// program fails.
void MakeCertificate(const TempDir& directory, const std::string& name,
                     const std::string& issuer = "", const std::string& names = "IP:127.0.0.1");

}  // namespace mailhub::http
