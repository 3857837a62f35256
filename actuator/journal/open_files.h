// Checks whether the names of the program's open files still lead to those files. A moved or
// removed file can still be written, but no start will find it.
#pragma once

#include <string>
#include <vector>

#include "actuator/journal/file_id.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// The files behind some names at one moment. Immutable. The files must stay open during its use:
// the kernel may reuse the number of a closed file.
class OpenFiles {
 public:
  // kNotFound and others as SystemError says: one does not exist.
  static Result<OpenFiles> Of(std::vector<std::string> paths);

  // Fails with `kind` and names the first file that is replaced or gone.
  Status Check(ErrorKind kind) const;

 private:
  struct File {
    std::string path;
    FileId id;
  };
  std::vector<File> files_;
};

}  // namespace mailhub::journal
