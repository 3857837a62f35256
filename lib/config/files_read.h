// Which files a configuration came from, and whether they have changed since: for reloads without a
// signal.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "lib/base/result.h"

namespace mailhub::config {

// The files and folders of one loading, with digests of what was read. Confined to one thread.
class FilesRead {
 public:
  // Reads them again: whether a file's content, or a folder's list of .yml and .yaml files, is another
  // one now. A file that could not be read and still cannot is unchanged.
  bool HaveChanged() const;

  // Notes what ReadFile has got from a file.
  void Note(const std::string& path, size_t limit, const Result<std::string>& got);
  // Notes a folder whose files are listed. Call it before they are.
  void NoteFolder(const std::string& path);

 private:
  struct Seen {
    size_t limit = 0;  // of a file; 0: a folder
    std::string digest;
  };
  std::map<std::string, Seen> seen_;
};

// While it lives, what this thread reads with ReadFile is noted in *files, and in no outer one's.
class NotesFilesRead {
 public:
  explicit NotesFilesRead(FilesRead* files);
  ~NotesFilesRead();
  NotesFilesRead(const NotesFilesRead&) = delete;
  NotesFilesRead& operator=(const NotesFilesRead&) = delete;

  // Of this thread; null: nobody notes.
  static FilesRead* Current();

 private:
  FilesRead* const outer_;
};

}  // namespace mailhub::config
