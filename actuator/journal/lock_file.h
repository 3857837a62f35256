// The lock file beside the journal. It keeps out a second writer, and records the journal's last
// event: a missing, older or shortened journal would otherwise be used silently, and commands would
// run twice. docs/journal_format.md describes its contents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "actuator/journal/file_id.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The journal beside the lock file, and its last acknowledged event.
struct Mark {
  std::string journal;  // empty: none begun yet
  uint64_t seq = 0;
};

// 32 hex digits.
bool IsJournalId(std::string_view word);

// The lock file of the journal at `journal`, an absolute path without links.
inline std::string LockPathOf(const std::string& journal) {
  return journal + ".lock";
}

// What the lock file at `path` says, whoever holds it. Nothing: there is none. kCorrupt as
// LockFile::Read; others as SystemError says.
Result<std::optional<Mark>> ReadMark(const std::string& path);

tl::unexpected<Error> SystemError(const std::string& path, int number);

// Owns a descriptor. -1: none.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();
  int number() const { return number_; }

 private:
  int number_;
};

// Holds the lock during its lifetime; the kernel releases it at any end of the process. The file
// stays: removing it would let two owners hold two locks. Confined to one thread at a time.
class LockFile {
 public:
  // kRefused: another actuator has it (the message names its process); else as SystemError says.
  static Result<LockFile> Take(const std::string& path);

  const std::string& path() const { return path_; }

  // kCorrupt: its contents are something else, or missing; the message has the remedy.
  Result<Mark> Read() const;

  // kDurable: on disk when it returns. kSoon survives this process at once, and a power cut after
  // some seconds.
  enum class Write { kDurable, kSoon };
  Status Note(const Mark& mark, Write how) const;

  // Takes the lock anew if the file was removed or replaced, and writes `mark` into it. kCorrupt:
  // another actuator was faster.
  Status Keep(const Mark& mark);

 private:
  // `if_new`: the contents of a new file.
  static Result<LockFile> Take(const std::string& path, const Mark& if_new, ErrorKind if_taken);
  LockFile(std::string path, Descriptor descriptor, FileId id)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), id_(id) {}

  std::string path_;
  Descriptor descriptor_;
  FileId id_;  // of the open file, while the lock is held
};

}  // namespace mailhub::journal
