// See open_files.h.
#include "actuator/journal/open_files.h"

#include <cerrno>
#include <utility>

#include "actuator/journal/lock_file.h"

namespace mailhub::journal {

Result<OpenFiles> OpenFiles::Of(std::vector<std::string> paths) {
  OpenFiles open;
  for (std::string& path : paths) {
    const std::optional<FileId> id = IdOf(path);
    if (!id) return SystemError(path, errno);
    open.files_.push_back({std::move(path), *id});
  }
  return open;
}

Status OpenFiles::Check(ErrorKind kind) const {
  for (const File& file : files_) {
    const std::optional<FileId> id = IdOf(file.path);
    if (id == file.id) continue;
    return Fail(kind, file.path + " is not the file any more that this program has open: it was " +
                          (id ? "replaced" : "moved or removed") +
                          ". Nothing is acknowledged meanwhile; put back what was there, or stop "
                          "this program first and then restore the journal");
  }
  return {};
}

}  // namespace mailhub::journal
