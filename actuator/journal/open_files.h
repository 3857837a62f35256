// Whether the files that the program has open are still those that their names lead to. A file that
// was moved away or removed can be written for ever, and no start will find it.
#pragma once

#include <string>
#include <vector>

#include "actuator/journal/file_id.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What some names led to at one moment. Immutable. The files must stay open as long as it is used:
// the number of a file that nobody has open may be given to another.
class OpenFiles {
 public:
  // kNotFound and others as SystemError says: one is not there.
  static Result<OpenFiles> Of(std::vector<std::string> paths);

  // Fails with `kind` and names the first file that is another one now, or gone.
  Status Check(ErrorKind kind) const;

 private:
  struct File {
    std::string path;
    FileId id;
  };
  std::vector<File> files_;
};

}  // namespace mailhub::journal
