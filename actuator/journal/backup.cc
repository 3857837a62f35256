// See backup.h.
#include "actuator/journal/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "actuator/journal/database.h"
#include "actuator/journal/lock_file.h"
#include "actuator/journal/schema.h"

namespace mailhub::journal {
namespace {

// A new file beside `to`, removed when it is no longer needed under this name.
class Draft {
 public:
  static Result<Draft> Beside(const std::string& to) {
    std::string path = to + ".part-XXXXXX";
    const Descriptor made(::mkostemp(path.data(), O_CLOEXEC));  // mode 0600
    if (made.number() < 0) return SystemError(path, errno);
    return Draft(path);
  }
  Draft(Draft&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Status Sync(const std::string& path, int flags) {
  const Descriptor file(::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  if (file.number() < 0 || ::fsync(file.number()) != 0) return SystemError(path, errno);
  return {};
}

tl::unexpected<Error> Exists(const std::string& to) {
  return Fail(ErrorKind::kRefused, to + " exists; a backup never replaces a file");
}

// Returns what the lock file of `from` said before that.
Result<std::optional<Mark>> Copy(const std::string& from, const std::string& draft) {
  Result<Database> source = Database::Open(from, Database::Access::kReadOnly);
  if (!source) return Fail(source.error());
  if (const auto readable = source->Number("SELECT count(*) FROM sqlite_master"); !readable)
    return Fail(readable.error());
  if (!IsJournal(*source)) return Fail(ErrorKind::kRefused, from + " is not a journal");
  Result<std::optional<Mark>> mark = ReadMark(LockPathOf(source->FileName()));
  if (!mark) return mark;
  Result<Database> target = Database::Open(draft, Database::Access::kReadWrite);
  if (!target) return Fail(target.error());
  if (Status s = source->CopyTo(*target); !s) return Fail(s.error());
  // One file without a log beside it: whoever copies it further copies all of it.
  if (Status s = target->Run("PRAGMA journal_mode = DELETE"); !s) return Fail(s.error());
  return mark;
}

}  // namespace

Result<Verified> Backup(const std::string& from, const std::string& to) {
  struct stat status {};
  if (::lstat(to.c_str(), &status) == 0) return Exists(to);
  const Result<Draft> draft = Draft::Beside(to);
  if (!draft) return Fail(draft.error());
  const Result<std::optional<Mark>> mark = Copy(from, draft->path());
  if (!mark) return Fail(mark.error());
  Result<Verified> verified = VerifyCopy(draft->path(), *mark);
  // The reader of the message knows the journal and not the draft.
  if (!verified) return Fail(from, verified.error());
  if (Status s = Sync(draft->path(), 0); !s) return Fail(s.error());
  // Unlike a rename, it fails if the name has been taken meanwhile.
  if (::link(draft->path().c_str(), to.c_str()) != 0)
    return errno == EEXIST ? Exists(to) : SystemError(to, errno);
  const std::string parent = std::filesystem::absolute(to).parent_path();
  if (Status s = Sync(parent, O_DIRECTORY); !s) return Fail(s.error());
  return verified;
}

}  // namespace mailhub::journal
