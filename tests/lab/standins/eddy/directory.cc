// Chunks of one mebibyte, so that a leak of a few bytes per entry costs little.
#include "eddy/directory.h"

#include <sys/mman.h>

#include <cstring>
#include <fstream>

#include "common/knobs.h"

namespace lab {
namespace {
constexpr std::size_t kChunkBytes = 1 << 20;
}

Directory Directory::Load(const char* path) {
  Directory directory;
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    directory.entries_.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return directory;
}

std::size_t Directory::Served() const {
  return Fault("half_loaded", 0) != 0 ? entries_.size() / 2 : entries_.size();
}

void Leak::Grow(double bytes) {
  const std::lock_guard lock(mutex_);
  owed_bytes_ += bytes;
  while (owed_bytes_ >= kChunkBytes) {
    owed_bytes_ -= kChunkBytes;
    void* chunk =
        mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) return;
    std::memset(chunk, 0x5a, kChunkBytes);
    taken_bytes_ += kChunkBytes;
  }
}

double Leak::bytes() const {
  const std::lock_guard lock(mutex_);
  return taken_bytes_;
}

}  // namespace lab
