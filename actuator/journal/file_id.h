// Identifies the file behind a name; used at every commit.
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

// Nothing: errno has the reason. Follows links. Reads no other property of the file: since Linux
// 6.13, reading a file's times makes its next write update them, which slows each commit.
std::optional<FileId> IdOf(const std::string& path);
std::optional<FileId> IdOf(int descriptor);

}  // namespace mailhub::journal
