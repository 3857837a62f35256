// See read_whole.h.
#include "lib/ssh/read_whole.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mailhub::ssh {
namespace {

// A pipe, a socket or a terminal would let us wait for another program.
bool NeverWaits(const std::string& path, int fd) {
  struct stat of = {};
  return ::fstat(fd, &of) == 0 && (S_ISREG(of.st_mode) || path == "/dev/null");
}

}  // namespace

Result<std::string> ReadWhole(const std::string& path, size_t limit) {
  const auto failed = [&](const std::string& why) {
    return Fail(ErrorKind::kInvalid, "cannot read " + path + ": " + why);
  };
  // Not blocking: otherwise a pipe without a writer would block here already.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    return Fail(ErrorKind::kOverloaded, "no file descriptor is left to read " + path);
  }
  if (fd < 0) return failed(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  if (!NeverWaits(path, fd)) {
    ::close(fd);
    return failed("it is not a regular file");
  }
  std::string text;
  std::string piece(size_t{64} << 10, '\0');
  ssize_t size = 0;
  while ((size = ::read(fd, piece.data(), piece.size())) > 0 && text.size() <= limit) {
    text.append(piece, 0, static_cast<size_t>(size));
  }
  const int error = errno;
  ::close(fd);
  if (size < 0) return failed(std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
  if (text.size() > limit) return failed("it is longer than " + std::to_string(limit) + " bytes");
  return text;
}

}  // namespace mailhub::ssh
