// See open_files.h.
#include "actuator/journal/open_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "actuator/journal/lock_file.h"

namespace mailhub::journal {

Result<OpenFiles> OpenFiles::Of(std::vector<std::string> paths) {
  OpenFiles open;
  for (std::string& path : paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return SystemError(path, errno);
    open.files_.push_back({std::move(path), status.st_dev, status.st_ino});
  }
  return open;
}

Status OpenFiles::Check(ErrorKind kind) const {
  for (const File& file : files_) {
    struct stat status {};
    const bool there = ::stat(file.path.c_str(), &status) == 0;
    if (there && status.st_dev == file.device && status.st_ino == file.inode) continue;
    return Fail(kind, file.path + " is not the file any more that this program has open: it was " +
                          (there ? "replaced" : "moved or removed") +
                          ". Nothing is acknowledged meanwhile; put back what was there, or stop "
                          "this program first and then restore the journal");
  }
  return {};
}

}  // namespace mailhub::journal
