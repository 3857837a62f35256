// A changed content counts, and nothing else.
#include "lib/config/files_read.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lib/config/yaml.h"

namespace mailhub::config {
namespace {

class FilesReadTest : public testing::Test {
 protected:
  FilesReadTest() { std::filesystem::create_directories(folder_); }
  ~FilesReadTest() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("mailhub-files-read." + std::to_string(getpid()));
};

TEST_F(FilesReadTest, SeesAnotherContentAndNothingElse) {
  const std::string file = Write("a.yml", "one");
  FilesRead files;
  {
    const NotesFilesRead notes(&files);
    EXPECT_TRUE(ReadFile(file));
    EXPECT_FALSE(ReadFile(folder_ / "absent.yml"));
    EXPECT_FALSE(ReadFile(Write("long.yml", "long"), 2));
  }
  EXPECT_TRUE(ReadFile(Write("not noted", "x")));
  EXPECT_FALSE(files.HaveChanged());
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now());
  Write("not noted", "y");
  EXPECT_FALSE(files.HaveChanged()) << "another time or another file";
  Write("a.yml", "two");
  EXPECT_TRUE(files.HaveChanged());
  Write("a.yml", "one");
  EXPECT_FALSE(files.HaveChanged());
  Write("absent.yml", "");
  EXPECT_TRUE(files.HaveChanged()) << "it has appeared";
}

TEST_F(FilesReadTest, SeesAFileThatIsNewInAFolder) {
  Write("a.yml", "one");
  FilesRead files;
  files.NoteFolder(folder_);
  Write("b.txt", "two");
  EXPECT_FALSE(files.HaveChanged());
  Write("b.yml", "two");
  EXPECT_TRUE(files.HaveChanged());
}

TEST_F(FilesReadTest, NotesOnlyForTheInnermost) {
  const std::string file = Write("a.yml", "one");
  FilesRead outer;
  FilesRead inner;
  const NotesFilesRead notes(&outer);
  {
    const NotesFilesRead inside(&inner);
    EXPECT_TRUE(ReadFile(file));
  }
  Write("a.yml", "two");
  EXPECT_TRUE(inner.HaveChanged());
  EXPECT_FALSE(outer.HaveChanged());
}

}  // namespace
}  // namespace mailhub::config
