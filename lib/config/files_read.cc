#include "lib/config/files_read.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "lib/base/digest.h"
#include "lib/config/yaml.h"

namespace mailhub::config {
namespace {

thread_local FilesRead* current = nullptr;

std::string DigestOf(const Result<std::string>& got) {
  return got ? Sha256Hex(*got) : "not read: " + got.error().message;
}

// Of the names alone: each file is noted by itself.
std::string DigestOfFolder(const std::string& path) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension();
    if (extension == ".yml" || extension == ".yaml") names.insert(entry->path().filename());
  }
  if (error) return "not listed: " + error.message();
  std::string all;
  for (const std::string& name : names) all.append(name) += '\0';
  return Sha256Hex(all);
}

// A pipe gives its content once.
bool CanBeReadAgain(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

}  // namespace

bool FilesRead::HaveChanged() const {
  const NotesFilesRead nobody(nullptr);
  return std::ranges::any_of(seen_, [](const auto& one) {
    const auto& [path, seen] = one;
    if (seen.limit == 0) return DigestOfFolder(path) != seen.digest;
    return CanBeReadAgain(path) && DigestOf(ReadFile(path, seen.limit)) != seen.digest;
  });
}

void FilesRead::Note(const std::string& path, size_t limit, const Result<std::string>& got) {
  if (CanBeReadAgain(path)) seen_[path] = {limit, DigestOf(got)};
}

void FilesRead::NoteFolder(const std::string& path) {
  seen_[path] = {0, DigestOfFolder(path)};
}

NotesFilesRead::NotesFilesRead(FilesRead* files) : outer_(current) {
  current = files;
}

NotesFilesRead::~NotesFilesRead() {
  current = outer_;
}

FilesRead* NotesFilesRead::Current() {
  return current;
}

}  // namespace mailhub::config
