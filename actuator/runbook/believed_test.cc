// Mistakes in runbooks that were accepted before and would fail only during a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "actuator/runbook/testing_books.h"

namespace mailhub::runbook {
namespace {

using ::testing::HasSubstr;
using testing_books::Book;
using testing_books::Mistake;
using testing_books::Site;

TEST(Believed, AGroupThatDoesNotExistIsNamedBesideThoseThatDo) {
  EXPECT_EQ(Mistake({Book("parameters: {hub: {host_in: hbus}}\n"
                          "steps: [{name: Wake, run: {on: server, use: wake}}]\n")}),
            "book1.yml:3:29: parameters.hub.host_in: expected a group of the site file, found "
            "\"hbus\"; there are: hubs, old");
  EXPECT_EQ(Mistake({Book("steps:\n  - for_each: {host_in: hbus}\n"
                          "    steps: [{name: a, run: {on: \"{{host}}\", command: a}}]\n")}),
            "book1.yml:4:25: steps[0].for_each.host_in: expected a group of the site file, found "
            "\"hbus\"; there are: hubs, old");
}

TEST(Believed, AnActionHasATimeout) {
  EXPECT_THAT(Mistake({Book("steps:\n  - name: Wake\n    run: {on: server, use: wake}\n"
                            "    timeout: 0s\n")}),
              HasSubstr("steps[0].timeout: expected more than 0s"));
}

TEST(Believed, AFileThatOnlyLooksLikeARunbookIsNotPassedOver) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("mailhub-books-" + std::to_string(getpid()));
  fs::create_directory(folder);
  std::ofstream(folder / "a.yml") << Book("steps: [{name: Wake, run: {on: server, use: wake}}]\n");
  EXPECT_TRUE(RunbookLibrary::Load(folder, Site()));
  std::ofstream(folder / ".b.yml") << "half edi";  // an editor's
  std::filesystem::create_symlink("anna@desk.17", folder / ".#a.yml");
  EXPECT_TRUE(RunbookLibrary::Load(folder.string(), Site()));
  std::ofstream(folder / "b.yaml") << "runbook: b\n";
  const auto library = RunbookLibrary::Load(folder, Site());
  fs::remove_all(folder);
  ASSERT_FALSE(library);
  EXPECT_THAT(library.error().message, HasSubstr("b.yaml: runbooks end in .yml; expected b.yml"));
}

}  // namespace
}  // namespace mailhub::runbook
