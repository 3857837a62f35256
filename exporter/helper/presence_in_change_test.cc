// What comes, goes and is renamed while it is looked at is not said to be absent.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <thread>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class PresenceInChangeTest : public HelperTest {};

TEST_P(PresenceInChangeTest, IsNotZeroForOneThatHandsOverToItsChild) {
  config::Host host;
  host.processes["eddy"] = {Copy("eddy"), "", ""};
  host.processes["absent"] = {File("absent"), "", ""};
  // It ends between the list and the look.
  Change("my @answers = learn_all", "Time::HiRes::sleep(0.1); my @answers = learn_all");
  Change("if [ \"$*\" != \"$pids\" ]; then", "sleep 0.1\n  if [ \"$*\" != \"$pids\" ]; then");
  const auto process = Run(File("eddy"), {"--relay", "1000"});
  int known = 0;
  for (const double begin = Now(); Now() - begin < 4;) {
    const double running = Running(Look(host), "eddy");
    EXPECT_NE(running, 0);
    known += running > 0 ? 1 : 0;
  }
  EXPECT_GT(known, 2);
}

// As spoolers do with what they have written.
TEST_P(PresenceInChangeTest, IsNotZeroForADirectoryInWhichTheOnlyFileIsRenamed) {
  config::Host host;
  host.directories["queue"] = File("other");
  std::ofstream(File("other/0")) << "x";
  std::atomic<bool> end = false;
  std::thread renames([&] {
    for (int i = 0; !end; ++i) {
      fs::rename(File("other/" + std::to_string(i)), File("other/" + std::to_string(i + 1)));
      if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (const double begin = Now(); Now() - begin < 2;) {
    const auto files =
        Value(Look(host).families, "mailhub_directory_files", {{"directory", "queue"}});
    EXPECT_NE(files, 0);
  }
  end = true;
  renames.join();
}

MAILHUB_FOR_EVERY_ENGINE(PresenceInChangeTest);

}  // namespace
}  // namespace mailhub::exporter
