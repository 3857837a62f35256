// mailhubctl with answers that no actuator gives.
#include "actuator/ctl/testing_ctl.h"
#include "lib/base/guarded.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// All commands that use the API, changing ones last.
constexpr std::array<const char*, 20> kCommands = {"status",
                                                   "run list",
                                                   "run show 3f2a91",
                                                   "run log 3f2a91",
                                                   "run plan mailhub-rebuild",
                                                   "run watch 3f2a91",
                                                   "run watch",
                                                   "run resume 3f2a91",
                                                   "history",
                                                   "alert list",
                                                   "alert explain TablesStale",
                                                   "episode list",
                                                   "mode get",
                                                   "mode set halted",
                                                   "run start mailhub-rebuild",
                                                   "run cancel 3f2a91",
                                                   "run retry 3f2a91 --hold 1",
                                                   "run confirm 3f2a91 --step 1",
                                                   "takeover x500 --reason x",
                                                   "episode close 00ff12 --run 3f2a91 --reason x"};

class OddAnswers : public MailhubctlTest {
 public:
  OddAnswers() {
    for (const char* method : {"GET", "POST"}) {
      odd_.Handle(method, "/*", [this](const http::Request&) {
        return http::TextResponse(200, answer_.With([](std::string& answer) { return answer; }));
      });
    }
    EXPECT_TRUE(odd_.Start());
  }
  ~OddAnswers() override { odd_.Stop(); }

 protected:
  Outcome Asked(const std::string& command, const std::string& answer) {
    answer_.With([&](std::string& kept) { kept = answer; });
    return Execute("--url http://127.0.0.1:" + std::to_string(odd_.Port()) + " --token-file " +
                   token_file_ + " " + command);
  }
  void ExpectRefused(const std::string& answer, const char* why) {
    for (const std::string command : kCommands) {
      for (const char* format : {"", "--output json "}) {
        const Outcome outcome = Asked(format + command, answer);
        EXPECT_EQ(outcome.status, 1) << format << command << ": " << outcome.out;
        EXPECT_THAT(outcome.out, HasSubstr(why)) << command;
        EXPECT_THAT(outcome.out, Not(HasSubstr("accepted"))) << command;
        if (command.starts_with("run watch")) break;  // it has one format
      }
    }
  }

 private:
  Guarded<std::string> answer_;
  http::Server odd_{http::ServerOptions{}};
};

TEST_F(OddAnswers, AreRefusedWithoutTheirEssentialFields) {
  constexpr const char* kEmpty = R"(,"data":{
      "id":"", "run":"", "runbook":"", "state":"", "mode":"", "host":"", "fingerprint":"",
      "runs":[{}], "alerts":[{}], "events":[{}], "episodes":[{}]})";
  for (const char* data :
       {R"(,"data":{})", R"(,"data":null)", R"(,"data":[])", R"(,"data":"x")", "", kEmpty}) {
    ExpectRefused(R"({"status":"success")" + std::string(data) + "}", "this version of mailhubctl");
  }
}

TEST_F(OddAnswers, AreRefusedWhenTheyAreNestedDeep) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  ExpectRefused(R"({"status":"success","data":)" + deep + "}", "is nested");
  ExpectRefused(R"({"status":"success","data":{"run":)" + deep + "}}", "is nested");
}

}  // namespace
}  // namespace mailhub::ctl
