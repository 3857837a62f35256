// The entries the directory serves, and the memory it loses while doing so.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace lab {

struct Entry {
  std::string local;   // the local part of an alias
  std::string target;  // the address it routes to
};

// All people and aliases, in the order of the data file. Immutable after Load.
class Directory {
 public:
  // Reads `local TAB target` lines; an unreadable file gives an empty directory.
  static Directory Load(const char* path);

  const std::vector<Entry>& entries() const { return entries_; }

  // How many entries, from the first on, are served at this moment: half of them while the fault is
  // set.
  std::size_t Served() const;

 private:
  std::vector<Entry> entries_;
};

// Memory that is allocated, written to and never given back. Thread-safe.
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
