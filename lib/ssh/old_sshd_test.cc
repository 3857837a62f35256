// An sshd like that of many years ago, as far as today's can be configured so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "lib/ssh/testing_sshd.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

// Each kind of algorithm is reduced to these in turn, and then all of them.
struct Old {
  const char* name;
  const char* config;
  std::vector<std::string> algorithms;
};
void PrintTo(const Old& old, std::ostream* out) {
  *out << old.name;
}
const std::vector<Old> kOld = {
    {"host_key", "HostKeyAlgorithms ssh-rsa\n", {"ssh-rsa"}},
    {"key_exchange",
     "KexAlgorithms diffie-hellman-group14-sha1\n",
     {"diffie-hellman-group14-sha1"}},
    {"cipher", "Ciphers aes128-cbc,3des-cbc\n", {"aes128-cbc"}},
    {"mac", "Ciphers aes128-ctr\nMACs hmac-sha1\n", {"hmac-sha1"}},
    {"all",
     "HostKeyAlgorithms ssh-rsa\nKexAlgorithms "
     "diffie-hellman-group1-sha1\nCiphers 3des-cbc\nMACs hmac-sha1\n",
     {"ssh-rsa", "diffie-hellman-group1-sha1", "3des-cbc", "hmac-sha1"}},
};

class OldSshd : public testing::TestWithParam<Old> {};

TEST_P(OldSshd, IsReachedOnlyWithTheOldAlgorithmsThatItsTargetNames) {
  TestingSshd sshd(GetParam().config, "rsa");
  SshTarget target = sshd.Target();
  if (GetParam().name == std::string("all")) {
    // Also a key of the account from that time. (This sshd announces that it knows better
    // signatures.)
    target.identity_file = sshd.NewKey("old", "rsa");
    std::rename((target.identity_file + ".pub").c_str(), (sshd.directory() + "/user.pub").c_str());
  }
  if (GetParam().name != std::string("mac")) {  // libssh still offers hmac-sha1 by itself
    const auto refused = Session::Connect(target, SteadyNow() + Seconds(5));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason, ConnectFailure::kProtocol);
    EXPECT_THAT(refused.error().error.message,
                AnyOf(AllOf(HasSubstr("server ["), HasSubstr("client [")),
                      HasSubstr("may know none of the algorithms")));
  }
  target.old_algorithms = GetParam().algorithms;
  const auto session = Session::Connect(target, SteadyNow() + Seconds(5));
  ASSERT_TRUE(session.has_value()) << session.error().error.message;
  const auto said = (*session)->Exec("echo here", "", {}, SteadyNow() + Seconds(5));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->out, "here\n");
}

TEST(OldAlgorithms, AreUsedOnlyWhereTheHostKnowsNothingBetter) {
  TestingSshd sshd("LogLevel DEBUG1\n", "rsa");
  SshTarget target = sshd.Target();
  target.old_algorithms = kOld.back().algorithms;
  const auto session = Session::Connect(target, SteadyNow() + Seconds(5));
  ASSERT_TRUE(session.has_value()) << session.error().error.message;
  std::ifstream log(sshd.directory() + "/log");
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  EXPECT_THAT(text, HasSubstr("kex: host key algorithm: rsa-sha2-512"));
  EXPECT_THAT(text, testing::Not(HasSubstr("kex: algorithm: diffie-hellman-group1-sha1")));
  EXPECT_THAT(text, testing::Not(HasSubstr("cipher: 3des-cbc")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, OldSshd, testing::ValuesIn(kOld),
                         [](const auto& old) { return old.param.name; });

}  // namespace
}  // namespace mailhub::ssh
