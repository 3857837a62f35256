// See file_id.h.
#include "actuator/journal/file_id.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace mailhub::journal {
namespace {

std::optional<FileId> Look(int at, const char* path, int flags) {
  struct statx status {};
  if (::statx(at, path, flags, STATX_INO, &status) != 0) return std::nullopt;
  return FileId{makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino};
}

}  // namespace

std::optional<FileId> IdOf(const std::string& path) {
  return Look(AT_FDCWD, path.c_str(), 0);
}

std::optional<FileId> IdOf(int descriptor) {
  return Look(descriptor, "", AT_EMPTY_PATH);
}

}  // namespace mailhub::journal
