// See lock_file.h.
#include "actuator/journal/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace mailhub::journal {
namespace {

std::string ReadAll(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  return {text.data(), static_cast<size_t>(std::max<ssize_t>(length, 0))};
}

bool IsJournalId(std::string_view word) {
  return word.size() == 32 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool ParseNumber(std::string_view word, uint64_t* number) {
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), *number);
  return !word.empty() && parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
}

}  // namespace

tl::unexpected<Error> SystemError(const std::string& path, int number) {
  const ErrorKind kind = number == ENOENT || number == ENOTDIR  ? ErrorKind::kNotFound
                         : number == ENOSPC || number == EDQUOT ? ErrorKind::kOverloaded
                         : number == EIO                        ? ErrorKind::kOutcomeUnknown
                                                                : ErrorKind::kRefused;
  return Fail(kind, path + ": " + std::strerror(number));  // NOLINT(concurrency-mt-unsafe)
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<LockFile> LockFile::Take(const std::string& path) {
  return Take(path, ErrorKind::kRefused);
}

Result<LockFile> LockFile::Take(const std::string& path, ErrorKind if_taken) {
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.number() < 0) return SystemError(path, errno);
  if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError(path, errno);
    const std::string text = ReadAll(lock.number());
    const std::string pid = text.substr(0, text.find('\n'));
    return Fail(if_taken,
                path + ": another actuator" + (pid.empty() ? "" : " (pid " + pid + ")") +
                    " has this journal; stop it first, or give this one a journal of its own");
  }
  return LockFile(path, std::move(lock));
}

// Two lines: the owner's process, for the sentence above; journal id and event, " 0" as long as
// there is no journal.
Result<Mark> LockFile::Read() const {
  const std::string text = ReadAll(descriptor_.number());
  if (text.empty()) return Mark{};
  const auto damaged = [&] {
    return Fail(
        ErrorKind::kCorrupt,
        path_ + " cannot be read: it should name a process, the journal and its last event");
  };
  const size_t line = text.find('\n');
  uint64_t owner = 0;
  if (line == std::string::npos || text.back() != '\n' ||
      !ParseNumber(text.substr(0, line), &owner))
    return damaged();
  if (line + 1 == text.size()) return Mark{};
  const std::string mark = text.substr(line + 1, text.size() - line - 2);
  const size_t blank = mark.find(' ');
  Mark read;
  if (blank == std::string::npos || !ParseNumber(mark.substr(blank + 1), &read.seq))
    return damaged();
  read.journal = mark.substr(0, blank);
  const bool none = read.journal.empty() && read.seq == 0;
  if (!none && !IsJournalId(read.journal)) return damaged();
  return read;
}

// The number always has as many digits, so that nothing but digits changes from one commit to the
// next: no power cut leaves half a line.
Status LockFile::Note(const Mark& mark, Write how) const {
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), "%0*llu", mark.journal.empty() ? 1 : 20,
                static_cast<unsigned long long>(mark.seq));
  const std::string text =
      std::to_string(::getpid()) + "\n" + mark.journal + " " + number.data() + "\n";
  const auto size = static_cast<ssize_t>(text.size());
  if (::pwrite(descriptor_.number(), text.data(), text.size(), 0) != size) {
    return SystemError(path_, errno);
  }
  if (how == Write::kSoon) return {};
  if (::ftruncate(descriptor_.number(), size) != 0 || ::fdatasync(descriptor_.number()) != 0) {
    return SystemError(path_, errno);
  }
  return {};
}

Status LockFile::Keep(const Mark& mark) {
  struct stat held {};
  struct stat named {};
  if (::fstat(descriptor_.number(), &held) != 0) return SystemError(path_, errno);
  if (::stat(path_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
      held.st_ino == named.st_ino) {
    return {};
  }
  Result<LockFile> anew = Take(path_, ErrorKind::kCorrupt);
  if (!anew) return Fail(anew.error());
  std::swap(descriptor_, anew->descriptor_);
  return Note(mark, Write::kDurable);
}

}  // namespace mailhub::journal
