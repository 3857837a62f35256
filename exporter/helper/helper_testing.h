// For tests: runs the real helper under every installed shell and under perl, against this
// machine's /proc. The production collectors read its output.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exporter/collector/collector.h"
#include "exporter/helper/testing_process.h"
#include "lib/metrics/testing.h"

namespace mailhub::exporter {

namespace fs = std::filesystem;
using std::chrono::seconds;

inline bool Installed(const std::string& program) {
  return fs::exists("/usr/bin/" + program) || fs::exists("/bin/" + program);
}

// One collection by the helper, as the exporter sees it.
struct Seen {
  bool complete = false;
  Reply reply;
  metrics::Families families;
  std::map<std::string, Status> outcomes;
};

class HelperTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Installed(GetParam())) << "scripts/deps.sh installs " << GetParam();
    // Not named after the process: suites in process namespaces of their own have the same numbers.
    std::string made = fs::temp_directory_path() / "mailhub_helper.XXXXXX";
    ASSERT_NE(mkdtemp(made.data()), nullptr);
    folder_ = made;
    fs::permissions(folder_, fs::perms(0755));
    fs::create_directories(folder_ / "with blank");
    // The shells must do the work themselves: as on a host without perl, it does not start.
    if (GetParam() != "perl") Change("perl -M5.014", "false");
    fs::create_directories(folder_ / "other");
  }
  void TearDown() override {
    helper_.reset();
    fs::remove_all(folder_);
  }

  static std::string Shell() { return GetParam() == "perl" ? "dash" : GetParam(); }
  std::string File(const std::string& name) const { return (folder_ / name).string(); }

  // A copy of the target program, so that each test has executables of its own.
  std::string Copy(const std::string& name) {
    fs::copy_file(MAILHUB_TESTING_TARGET, folder_ / name, fs::copy_options::overwrite_existing);
    return File(name);
  }

  std::unique_ptr<TestingProcess> Run(const std::string& exe, std::vector<std::string> arguments,
                                      const std::string& argv0 = "") {
    auto process = std::make_unique<TestingProcess>(exe, std::move(arguments), argv0);
    EXPECT_TRUE(process->WaitFor("ready"));
    return process;
  }

  // Replaces words of the script, to imitate another host. Call before the first look.
  void Change(const std::string& from, const std::string& to) {
    std::ifstream file(MAILHUB_HELPER_SCRIPT);
    if (script_.empty()) script_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_NE(script_.find(from), std::string::npos) << from;
    for (size_t at = 0; (at = script_.find(from, at)) != std::string::npos; at += to.size()) {
      script_.replace(at, from.size(), to);
    }
  }

  std::string Script() const {
    if (script_.empty()) return MAILHUB_HELPER_SCRIPT;
    std::ofstream(File("helper.sh")) << script_;
    return File("helper.sh");
  }

  void StartHelper(const config::Host& host) {
    std::vector<std::string> words = prefix_;
    words.push_back(Shell());
    if (GetParam() == "busybox") words.emplace_back("sh");
    words.push_back(Script());
    const std::string program = words.front();
    words.erase(words.begin());
    helper_ = std::make_unique<TestingProcess>(program, words);
    helper_->Write(WriteSpec(host));
  }

  Seen Look(const config::Host& host, int milliseconds = 3000) {
    Seen seen = TryToLook(host, milliseconds);
    EXPECT_TRUE(seen.complete) << "the helper says nothing more, or what cannot be read";
    return seen;
  }

  // The same for a helper that may end, or stay silent for that time.
  Seen TryToLook(const config::Host& host, int milliseconds = 3000, seconds wait = seconds(20)) {
    if (helper_ == nullptr) StartHelper(host);
    const std::string nonce = "nonce" + std::to_string(++requests_);
    helper_->Write("go " + nonce + " " + std::to_string(milliseconds) + "\n");
    ReplyReader reader(nonce);
    while (!reader.complete()) {
      std::string bytes;
      if (!helper_->Read(&bytes, wait)) break;
      auto fed = reader.Feed(bytes);
      if (!fed) break;
    }
    Seen seen;
    seen.complete = reader.complete();
    seen.reply = reader.reply();
    for (const Collector* collector : kHelperCollectors) {
      const Section* section = seen.reply.Find(collector->section);
      if (!collector->wanted(host) || section == nullptr) continue;
      Status status;
      if (!section->done) status = Fail(ErrorKind::kNotFound, section->complaint);
      metrics::Families families;
      if (status) status = collector->read(host, seen.reply, *section, &past_, &families);
      for (const auto& [name, family] : families.all()) {
        EXPECT_EQ(config::CollectorOf(name), collector->kind) << name << ": gates would believe it";
      }
      seen.families.Merge(std::move(families));
      seen.outcomes.emplace(collector->name(), status);
    }
    return seen;
  }

  fs::path folder_;
  std::vector<std::string> prefix_;  // a program, with arguments, that starts the helper
  std::unique_ptr<TestingProcess> helper_;
  int requests_ = 0;
  Past past_;
  std::string script_;  // the helper's, if it was changed
};

inline double Running(const Seen& seen, const std::string& process) {
  return Value(seen.families, "mailhub_process_running", {{"process", process}}).value_or(-1);
}

inline double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

#define MAILHUB_FOR_EACH_OF(name, suite, ...)                         \
  INSTANTIATE_TEST_SUITE_P(name, suite, testing::Values(__VA_ARGS__), \
                           [](const auto& shell) { return shell.param; })
#define MAILHUB_FOR_EVERY_SHELL(suite) \
  MAILHUB_FOR_EACH_OF(Shells, suite, "dash", "bash", "busybox", "ksh93", "mksh")
#define MAILHUB_FOR_EVERY_ENGINE(suite) \
  MAILHUB_FOR_EACH_OF(Engines, suite, "dash", "bash", "busybox", "ksh93", "mksh", "perl")

}  // namespace mailhub::exporter
