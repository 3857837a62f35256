// `run log --follow`: each event once, whatever happens to the actuator.
#include <chrono>
#include <map>
#include <sstream>
#include <thread>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;

// The numbers of the events in the output of JSON, one line each.
std::vector<int> SeqsIn(const std::string& out) {
  std::vector<int> seqs;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("{\"seq\":");
    if (at != std::string::npos) seqs.push_back(std::atoi(line.c_str() + at + 7));
  }
  return seqs;
}

std::vector<int> UpTo(int last) {
  std::vector<int> seqs;
  for (int seq = 1; seq <= last; ++seq) seqs.push_back(seq);
  return seqs;
}

class FollowTest : public MailhubctlTest {
 protected:
  FollowTest() : all_(api::testing::EventsOfASuccess(api::testing::kRunId)) {}
  void Show(size_t many) {
    backend_.SetEvents({all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(many)});
  }
  // Until the output so far has that text.
  bool Sees(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      std::ifstream file(seen_);
      const std::string so_far(std::istreambuf_iterator<char>(file), {});
      if (so_far.find(text) != std::string::npos) return true;
      std::this_thread::yield();
    }
    return false;
  }
  const std::vector<engine::Event> all_;
  const std::string seen_ = "/tmp/mailhubctl-follow-" + std::to_string(getpid());
};

TEST_F(FollowTest, ARestartInBetweenLosesAndRepeatsNothing) {
  Show(3);
  Outcome followed;
  std::jthread follower([&] {
    followed =
        Ctl("--output json run log 3f2a91 --follow --interval 20ms --give-up-after 5m 2>&1 | tee " +
            seen_);
  });
  EXPECT_TRUE(Sees("{\"seq\":3,"));
  Show(5);
  EXPECT_TRUE(Sees("{\"seq\":5,"));
  http::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:" + std::to_string(server_.Port())};
  server_.Stop();
  EXPECT_TRUE(Sees("does not answer, trying again"));
  Show(9);
  http::Server again(options);
  api::AddRoutes(again, backend_, metrics_, clock_, {"1", token_file_, 2});
  const Status started = again.Start();
  EXPECT_TRUE(started) << (started ? "" : started.error().message);
  EXPECT_TRUE(Sees("{\"seq\":9,"));
  Show(all_.size());
  follower.join();
  unlink(seen_.c_str());
  EXPECT_EQ(SeqsIn(followed.out), UpTo(static_cast<int>(all_.size()))) << followed.out;
}

TEST_F(FollowTest, BeginsBehindThePlaceThatItIsTold) {
  Show(all_.size());
  const Outcome followed = Ctl("run log 3f2a91 --follow --after 13");
  EXPECT_EQ(followed.status, 0);
  EXPECT_THAT(followed.out, HasSubstr("run_finished"));
  EXPECT_THAT(followed.out, ::testing::Not(HasSubstr("step_started")));
}

TEST_F(FollowTest, FollowsOverManyPages) {
  Show(all_.size());
  backend_.Lengthen(size_t{700} << 10);
  EXPECT_EQ(SeqsIn(Ctl("--output json run log 3f2a91 --follow").out),
            UpTo(static_cast<int>(all_.size())));
}

TEST_F(FollowTest, SaysHowToGoOnWhenItGivesUp) {
  Show(4);
  Outcome followed;
  std::jthread follower([&] {
    followed =
        Ctl("run log 3f2a91 --follow --interval 20ms --give-up-after 100ms 2>&1 | tee " + seen_);
  });
  EXPECT_TRUE(Sees("step_settled"));
  server_.Stop();
  follower.join();
  unlink(seen_.c_str());
  EXPECT_THAT(followed.out, HasSubstr("; the rest: --after 4\n"));
  EXPECT_EQ(Ctl("run log ffffff --follow").status, 1);
}

}  // namespace
}  // namespace mailhub::ctl
