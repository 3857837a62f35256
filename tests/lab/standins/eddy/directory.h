// The directory's entries, and the memory that it leaks while serving them.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace lab {

struct Entry {
  std::string local;   // local part of an alias
  std::string target;  // its target address
};

// All people and aliases, in the order of the data file. Immutable after Load.
class Directory {
 public:
  // Reads `local TAB target` lines; an unreadable file gives an empty directory.
  static Directory Load(const char* path);

  const std::vector<Entry>& entries() const { return entries_; }

  // The number of entries served now, from the first on: half of them while the fault is set.
  std::size_t Served() const;

 private:
  std::vector<Entry> entries_;
};

// Memory that is allocated, written and never freed. Thread-safe.
class Leak {
 public:
  void Grow(double bytes);
  double bytes() const;

 private:
  mutable std::mutex mutex_;
  double owed_bytes_ = 0;   // protected by mutex_: less than a chunk
  double taken_bytes_ = 0;  // protected by mutex_
};

}  // namespace lab
