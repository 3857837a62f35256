// Which file a name leads to, for looks at every commit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mailhub::journal {

struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};

// Nothing: errno says why. Links are followed. Asks for nothing else of the file: since Linux 6.13
// a look at a file's times makes its next write note a new time, which slows each commit.
std::optional<FileId> IdOf(const std::string& path);
std::optional<FileId> IdOf(int descriptor);

}  // namespace mailhub::journal
