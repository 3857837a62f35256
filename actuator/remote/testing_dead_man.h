// A host with a dead man, for the runner_lease_test program.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {

using engine::LeaseState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

inline constexpr Milliseconds kAfter{60'000};

class DeadMan : public testing::Test {
 protected:
  DeadMan() : host(UsualSetup()[0]) { EXPECT_TRUE(host.Hello().receipt); }

  std::string Trace(const std::string& word) const {
    return "echo " + word + " >>" + host.evidence();
  }
  static void ExpectLease(const RemoteReply& reply, LeaseState state) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.lease, state) << reply.lease_detail;
  }
  RemoteReply Renew(const std::string& key, Milliseconds after) {
    engine::RemoteRequest request;
    request.verb = RemoteVerb::kRenew;
    request.key = key;
    request.after = after;
    return host.Ask(request);
  }
  // As if the lease had been armed or renewed that much earlier.
  void Age(const std::string& key, int seconds) {
    const std::string file = "leases/" + key + ".lease";
    std::string lease = host.ReadFile(file);
    const size_t at = lease.find("uptime_s=") + 9;
    const size_t end = lease.find('\n', at);
    const int uptime = std::stoi(lease.substr(at, end - at));
    lease.replace(at, end - at, std::to_string(uptime - seconds));
    host.WriteFile(file, lease);
  }
  // Looks at the leases until the lease is restored, or `longest` has passed.
  bool RestoredWithin(const std::string& key, Milliseconds longest) {
    return Eventually(
        [&] {
          host.LookAtLeases();
          return host.ReadFile("leases/" + key + ".lease").find("state=restored") !=
                 std::string::npos;
        },
        longest);
  }
  void ExpectRefused(const RemoteReply& reply, const std::string& words) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr(words));
  }
  // Arms the lease and lets it run out, so that the host acts.
  void LetItAct(const std::string& step) {
    ExpectLease(host.Arm("r/" + step, Trace("restored " + step), kAfter), LeaseState::kArmed);
    Age("r@" + step, 62);
    ASSERT_TRUE(RestoredWithin("r@" + step, Milliseconds(10'000)));
  }
  RunnerHost host;
};

}  // namespace mailhub::remote
