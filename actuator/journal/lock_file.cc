// See lock_file.h.
#include "actuator/journal/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace mailhub::journal {
namespace {

std::string ReadAll(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  return {text.data(), static_cast<size_t>(std::max<ssize_t>(length, 0))};
}

constexpr size_t kDigits = 20;

// The number has a fixed width, so that a commit changes only digits: a power cut cannot leave half
// a line.
std::string TextOf(const Mark& mark) {
  std::array<char, kDigits + 1> number{};
  std::snprintf(number.data(), number.size(), "%0*llu",
                mark.journal.empty() ? 1 : static_cast<int>(kDigits),
                static_cast<unsigned long long>(mark.seq));
  return std::to_string(::getpid()) + "\n" + mark.journal + " " + number.data() + "\n";
}

// The creator of the file writes it before any other use, so a file without its lines is damaged
// and not new. False: it already exists.
Result<bool> Create(const std::string& path, const Mark& mark) {
  const Descriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made.number() < 0) {
    if (errno == EEXIST) return false;
    return SystemError(path, errno);
  }
  const std::string text = TextOf(mark);
  if (::write(made.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fdatasync(made.number()) == 0) {
    return true;
  }
  const int number = errno;
  ::unlink(path.c_str());
  return SystemError(path, number);
}

bool ParseNumber(std::string_view word, uint64_t* number) {
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), *number);
  return !word.empty() && parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
}

// Two lines: the owner's process, for the error sentence; journal id and event, " 0" while there is
// no journal.
Result<Mark> ParseMark(const std::string& text, const std::string& path) {
  const auto damaged = [&] {
    return Fail(ErrorKind::kCorrupt,
                path +
                    " cannot be read: it should hold two lines, a process and the journal with its "
                    "last event. Nothing was changed. See whether the journal beside it is there "
                    "and whole; then, once no run is in progress on any host, remove " +
                    path +
                    ": the start goes on from the journal that is in place, and begins an empty "
                    "one if there is none");
  };
  const size_t line = text.find('\n');
  uint64_t owner = 0;
  if (line == std::string::npos || line + 1 == text.size() || text.back() != '\n' ||
      !ParseNumber(text.substr(0, line), &owner)) {
    return damaged();
  }
  const std::string second = text.substr(line + 1, text.size() - line - 2);
  Mark mark;
  if (second == " 0") return mark;
  const size_t blank = second.find(' ');
  if (blank == std::string::npos || second.size() != blank + 1 + kDigits ||
      !ParseNumber(second.substr(blank + 1), &mark.seq)) {
    return damaged();
  }
  mark.journal = second.substr(0, blank);
  if (!IsJournalId(mark.journal)) return damaged();
  return mark;
}

}  // namespace

bool IsJournalId(std::string_view word) {
  return word.size() == 32 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::optional<Mark>> ReadMark(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return SystemError(path, errno);
  }
  Result<Mark> mark = ParseMark(ReadAll(file.number()), path);
  if (!mark) return Fail(mark.error());
  return *std::move(mark);
}

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
  return Take(path, {}, ErrorKind::kRefused);
}

Result<LockFile> LockFile::Take(const std::string& path, const Mark& if_new, ErrorKind if_taken) {
  if (const Result<bool> created = Create(path, if_new); !created) return Fail(created.error());
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (lock.number() < 0) return SystemError(path, errno);
  if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError(path, errno);
    const std::string text = ReadAll(lock.number());
    const std::string pid = text.substr(0, text.find('\n'));
    return Fail(if_taken,
                path + ": another actuator" + (pid.empty() ? "" : " (pid " + pid + ")") +
                    " has this journal; stop it first, or give this one a journal of its own");
  }
  const std::optional<FileId> held = IdOf(lock.number());
  if (!held) return SystemError(path, errno);
  return LockFile(path, std::move(lock), *held);
}

Result<Mark> LockFile::Read() const {
  return ParseMark(ReadAll(descriptor_.number()), path_);
}

Status LockFile::Note(const Mark& mark, Write how) const {
  const std::string text = TextOf(mark);
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
  if (IdOf(path_) == id_) return {};
  Result<LockFile> anew = Take(path_, mark, ErrorKind::kCorrupt);
  if (!anew) return Fail(anew.error());
  *this = std::move(*anew);
  return Note(mark, Write::kDurable);
}

}  // namespace mailhub::journal
