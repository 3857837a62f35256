// Every fuzz target over its committed inputs, in every build: this finds a target that no longer
// fits its module, and an old finding that returns, without a fuzzer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;  // the folder of its inputs
  void (*one)(std::string_view);
};
constexpr Target kTargets[] = {
    {"calendar", TryCalendar},
    {"change", TryChange},
    {"http", TryHttp},
    {"ics", TryIcs},
    {"journal", TryJournal},
    {"matcher", TryMatcher},
    {"promql", TryPromql},
    {"notification", TryNotification},
    {"runbook", TryRunbook},
    {"rfc3339", TryRfc3339},
    {"settings", TrySettings},
    {"site", TrySite},
    {"web_config", TryWebConfig},
    {"helper_reply", TryHelperReply},
    {"runner_reply", TryRunnerReply},
    {"service_texts", TryServiceTexts},
    {"known_hosts", TryKnownHosts},
};

std::vector<fs::path> Inputs(const fs::path& folder) {
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(folder)) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

std::string Bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Corpus, EveryInputPassesItsTarget) {
  for (const Target& target : kTargets) {
    const std::vector<fs::path> inputs = Inputs(fs::path(MAILHUB_CORPUS) / target.name);
    EXPECT_FALSE(inputs.empty()) << target.name;
    for (const fs::path& path : inputs) {
      const std::string bytes = Bytes(path);
      // Printed first: a failed check aborts.
      std::fprintf(stderr, "%s/%s\n", target.name, path.filename().c_str());
      for (const size_t size : {bytes.size(), bytes.size() / 2, bytes.size() / 3}) {
        Timed(target.one, std::string_view(bytes).substr(0, size));
      }
    }
  }
}

TEST(Corpus, EveryFolderOfInputsHasItsTarget) {
  for (const fs::path& folder : Inputs(MAILHUB_CORPUS)) {
    EXPECT_TRUE(std::any_of(std::begin(kTargets), std::end(kTargets), [&](const Target& target) {
      return folder.filename() == target.name;
    })) << folder;
  }
}

}  // namespace
}  // namespace mailhub::fuzz
