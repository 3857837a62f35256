// The file beside the journal that keeps a second writer out, and that says how far the journal had
// come: a journal that is gone, an older copy or one that has lost its end would go on without a
// word and act twice. docs/journal_format.md describes what is in it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "actuator/journal/file_id.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// Which journal the file lies beside, and its last event that was acknowledged.
struct Mark {
  std::string journal;  // empty: none was begun yet
  uint64_t seq = 0;
};

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

// Holds the lock as long as it lives; the kernel releases it however the process ends. The file
// stays: removing it would let two owners hold two locks. Confined to one thread at a time.
class LockFile {
 public:
  // kRefused: another actuator has it, whose process is named; else as SystemError says.
  static Result<LockFile> Take(const std::string& path);

  const std::string& path() const { return path_; }

  // kCorrupt: there is something else in it, or nothing; the sentence says what to do.
  Result<Mark> Read() const;

  // kDurable: on disk when it returns. kSoon outlives this process, and a power cut some seconds
  // later.
  enum class Write { kDurable, kSoon };
  Status Note(const Mark& mark, Write how) const;

  // Takes the lock anew if the file was removed or replaced, and notes `mark` in it. kCorrupt:
  // another actuator was faster.
  Status Keep(const Mark& mark);

 private:
  // `if_new` is what a file says that was not there.
  static Result<LockFile> Take(const std::string& path, const Mark& if_new, ErrorKind if_taken);
  LockFile(std::string path, Descriptor descriptor, FileId id)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), id_(id) {}

  std::string path_;
  Descriptor descriptor_;
  FileId id_;  // of the open file, as long as it is held
};

}  // namespace mailhub::journal
