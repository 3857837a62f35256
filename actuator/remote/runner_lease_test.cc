// The dead man: the host's own acts, and what it never does.
#include <csignal>

#include "actuator/remote/testing_dead_man.h"

namespace mailhub::remote {
namespace {

TEST_F(DeadMan, TakesNoOtherLeaseForAFileOfItsOwn) {
  for (const char* other : {"r/2.out.1", "r/2.gone.9"}) {
    ExpectLease(host.Arm(other, Trace("other"), kAfter), LeaseState::kArmed);
  }
  ExpectLease(host.Arm("r/2", Trace("restored"), kAfter), LeaseState::kArmed);
  Age("r@2", 62);
  ASSERT_TRUE(RestoredWithin("r@2", Milliseconds(10'000)));
  for (const char* other : {"r/2.out.1", "r/2.gone.9"}) {
    ExpectLease(host.Do(RemoteVerb::kRenew, other), LeaseState::kArmed);
  }
}

TEST_F(DeadMan, RefusesAStopThatWasHeldUpUntilItHadActed) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  const RemoteReply late = host.Run("r/stop/1", Trace("stopped"));
  ASSERT_FALSE(late.receipt);
  EXPECT_EQ(late.receipt.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(late.receipt.error().message, HasSubstr("the dead man of r/stop has acted"));
  EXPECT_EQ(host.Do(RemoteVerb::kVoid, "r/stop/1").receipt->state, engine::ReceiptState::kVoid);
  // Armed again for a person's retry, it may.
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kRestored);
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  EXPECT_TRUE(host.Run("r/stop/2", Trace("stopped")).receipt);
  EXPECT_EQ(host.Evidence(), "restored\nstopped\n");
}

TEST_F(DeadMan, LetsNothingOfItsRunBeginUntilItsActIsAcknowledged) {
  LetItAct("stop");
  ExpectRefused(host.Run("r/kill/1", Trace("killed")), "the dead man of r/stop has acted");
  ExpectRefused(host.Launch("r/job/1", Trace("built")), "the dead man of r/stop has acted");
  EXPECT_TRUE(host.Run("q/kill/1", Trace("of another run")).receipt);
  EXPECT_EQ(host.Do(RemoteVerb::kStatus, "r/kill/1").receipt->state, engine::ReceiptState::kNone);
  EXPECT_EQ(host.Do(RemoteVerb::kVoid, "r/gone/1").receipt->state, engine::ReceiptState::kVoid);
  // The actuator knows: only its own step must be guarded again before it may begin.
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kRestored);
  EXPECT_TRUE(host.Run("r/kill/1", Trace("killed")).receipt);
  ExpectRefused(host.Run("r/stop/1", Trace("stopped")), "the dead man of r/stop has acted");
  EXPECT_EQ(host.Evidence(), "restored stop\nof another run\nkilled\n");
}

TEST_F(DeadMan, GivesReceiptsOfCommandsBegunBeforeItActed) {
  ASSERT_TRUE(host.Run("r/early/1", Trace("early")).receipt);
  LetItAct("stop");
  const RemoteReply again = host.Run("r/early/1", Trace("early"));
  ASSERT_TRUE(again.receipt) << again.receipt.error().message;
  EXPECT_EQ(again.receipt->state, engine::ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "early\nrestored stop\n");
}

TEST_F(DeadMan, LetsNothingOfItsRunBeginUntilTheSecondOfTwoIsAcknowledgedToo) {
  ExpectLease(host.Arm("r/one", Trace("restored one"), kAfter), LeaseState::kArmed);
  LetItAct("two");
  Age("r@one", 62);
  ASSERT_TRUE(RestoredWithin("r@one", Milliseconds(10'000)));
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/two"), LeaseState::kRestored);
  ExpectRefused(host.Run("r/kill/1", Trace("killed")), "the dead man of r/one has acted");
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/one"), LeaseState::kRestored);
  EXPECT_TRUE(host.Run("r/kill/1", "true").receipt);
}

TEST_F(DeadMan, LetsNoOtherStepOfItsRunBeArmedUntilItsActIsAcknowledged) {
  ExpectLease(host.Arm("r/armed", "true", kAfter), LeaseState::kArmed);
  LetItAct("stop");
  ExpectRefused(host.Arm("r/other", "true", kAfter), "the dead man of r/stop has acted");
  ExpectLease(host.Arm("q/other", "true", kAfter), LeaseState::kArmed);
  // An armed lease guards something, and continues.
  ExpectLease(host.Arm("r/armed", "true", kAfter), LeaseState::kArmed);
  ExpectLease(Renew("r/armed", kAfter), LeaseState::kArmed);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kRestored);
  ExpectLease(host.Arm("r/other", "true", kAfter), LeaseState::kArmed);
}

TEST_F(DeadMan, LetsNothingOfItsRunBeginWhileItRestoresAndRemembersAnEarlyAcknowledgement) {
  const std::string gate = host.directory() + "/go";
  const std::string restore =
      Trace("begun") + "; until [ -e " + gate + " ]; do sleep 0.02; done; " + Trace("restored");
  ExpectLease(host.Arm("r/stop", restore, kAfter), LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return host.Evidence() == "begun\n";
  }));
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kRestored);
  ExpectRefused(host.Run("r/kill/1", Trace("killed")), "the dead man of r/stop is restoring");
  host.WriteFile("go", "");
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  EXPECT_TRUE(host.Run("r/kill/1", Trace("killed")).receipt);
  ExpectLease(host.Arm("r/stop", restore, kAfter), LeaseState::kArmed);
  EXPECT_EQ(host.Evidence(), "begun\nrestored\nkilled\n");
}

// Its own process is killed when the command ends, and the command has left a daemon.
TEST_F(DeadMan, TakesNoDaemonThatItHasStartedForWork) {
  ExpectLease(host.Arm("r/stop", "sleep 100 & " + Trace("restored") + "; sleep 1", kAfter),
              LeaseState::kArmed);
  Age("r@stop", 61);
  host.LookAtLeases();
  ASSERT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }));
  const std::string lease = host.ReadFile("leases/r@stop.lease");
  const pid_t restorer = std::stoi(lease.substr(lease.find("\npid=") + 5));
  kill(restorer, SIGKILL);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  const RemoteReply acknowledged = host.Do(RemoteVerb::kDisarm, "r/stop");
  ExpectLease(acknowledged, LeaseState::kRestored);
  EXPECT_THAT(acknowledged.lease_detail, HasSubstr("exit status 0"));
  kill(-restorer, SIGKILL);  // its daemon
  host.LookAtLeases();
  EXPECT_TRUE(host.Run("r/next/1", Trace("next")).receipt);
  EXPECT_EQ(host.Evidence(), "restored\nnext\n");
}

TEST_F(DeadMan, RestoresOnceWithoutRenewalAndReportsItToEveryVerb) {
  ExpectLease(host.Arm("r/stop", Trace("restored") + "; echo said; exit 5", kAfter),
              LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  host.LookAtLeases();
  EXPECT_EQ(host.Evidence(), "restored\n");
  EXPECT_EQ(host.ReadFile("leases/r@stop.out"), "said\n");
  for (const RemoteReply& reply :
       {Renew("r/stop", kAfter),
        host.Arm("r/stop", Trace("restored") + "; echo said; exit 5", kAfter),
        host.Do(RemoteVerb::kDisarm, "r/stop"), host.Do(RemoteVerb::kDisarm, "r/stop")}) {
    ExpectLease(reply, LeaseState::kRestored);
    EXPECT_THAT(reply.lease_detail, HasSubstr("exit status 5"));
  }
  EXPECT_EQ(host.Evidence(), "restored\n");
}

TEST_F(DeadMan, ReportsItsActToHello) {
  ExpectLease(host.Hello(), LeaseState::kNone);
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  ExpectLease(host.Hello(), LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  const RemoteReply hello = host.Hello();
  ExpectLease(hello, LeaseState::kRestored);
  EXPECT_THAT(hello.lease_detail, HasSubstr("r@stop"));
}

TEST_F(DeadMan, MayBeArmedAgainOnceDisarmed) {
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kRestored);
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
}

TEST_F(DeadMan, IsNotTakenAwayByARequestFromBeforeItWasArmedAnew) {
  engine::RemoteRequest request;
  request.key = "r/stop";
  request.command = Trace("restored");
  request.after = kAfter;
  const auto ask = [&](RemoteVerb verb, int generation) {
    request.verb = verb;
    request.generation = generation;
    return host.Ask(request);
  };
  ExpectLease(ask(RemoteVerb::kArm, 1), LeaseState::kArmed);
  ExpectLease(ask(RemoteVerb::kDisarm, 1), LeaseState::kNone);
  ExpectLease(ask(RemoteVerb::kArm, 2), LeaseState::kArmed);
  ExpectRefused(ask(RemoteVerb::kDisarm, 1), "r/stop has been armed anew since");
  ExpectLease(ask(RemoteVerb::kRenew, 2), LeaseState::kArmed);
  Age("r@stop", 62);
  ASSERT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  ExpectRefused(ask(RemoteVerb::kDisarm, 1), "armed anew since");
  ExpectRefused(host.Run("r/other/1", Trace("other")), "not acknowledged");
  ExpectLease(ask(RemoteVerb::kDisarm, 2), LeaseState::kRestored);
  EXPECT_EQ(host.Evidence(), "restored\n");
}

TEST_F(DeadMan, IsNotArmedByARequestFromBeforeItWasTakenAway) {
  engine::RemoteRequest request;
  request.command = Trace("restored");
  request.after = kAfter;
  const auto ask = [&](RemoteVerb verb, const std::string& key, int generation) {
    request.verb = verb;
    request.key = key;
    request.generation = generation;
    return host.Ask(request);
  };
  ExpectLease(ask(RemoteVerb::kArm, "r/1", 1), LeaseState::kArmed);
  ExpectLease(ask(RemoteVerb::kDisarm, "r/1", 1), LeaseState::kNone);
  ExpectRefused(ask(RemoteVerb::kArm, "r/1", 1), "r/1 was taken away again before");
  ExpectLease(ask(RemoteVerb::kDisarm, "r/2", 1), LeaseState::kNone);
  ExpectRefused(ask(RemoteVerb::kArm, "r/2", 1), "r/2 was taken away again before");
  ExpectLease(ask(RemoteVerb::kArm, "r/1", 2), LeaseState::kArmed);
  Age("r@1", 62);
  ASSERT_TRUE(RestoredWithin("r@1", Milliseconds(10'000)));
  ExpectLease(ask(RemoteVerb::kDisarm, "r/1", 2), LeaseState::kRestored);
  ExpectRefused(ask(RemoteVerb::kArm, "r/1", 2), "r/1 was taken away again before");
  ExpectLease(ask(RemoteVerb::kArm, "r/1", 3), LeaseState::kArmed);
  EXPECT_EQ(host.Evidence(), "restored\n");
}

TEST_F(DeadMan, DoesNothingAsLongAsItIsRenewed) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  Age("r@stop", 58);
  host.LookAtLeases();
  ExpectLease(Renew("r/stop", kAfter), LeaseState::kArmed);
  Age("r@stop", 58);
  host.LookAtLeases();
  ExpectLease(Renew("r/stop", kAfter), LeaseState::kArmed);
  EXPECT_EQ(host.Evidence(), "");
  // The other way round, the reboot would be noticed.
  Age("r@stop", 62);
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  EXPECT_EQ(host.Evidence(), "restored\n");
}

TEST_F(DeadMan, DoesNothingWhenDisarmed) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  Age("r@stop", 62);
  // The timer may come first: then the host says that it did.
  const RemoteReply reply = host.Do(RemoteVerb::kDisarm, "r/stop");
  ASSERT_TRUE(reply.receipt);
  host.LookAtLeases();
  const RemoteReply renewed = Renew("r/stop", kAfter);
  EXPECT_EQ(renewed.lease, reply.lease);
  EXPECT_EQ(host.Evidence(), reply.lease == LeaseState::kNone ? "" : "restored\n");
}

TEST_F(DeadMan, WaitsForTheRunsRunningCommands) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  ASSERT_TRUE(host.Launch("r/job/1", "sleep 66").receipt);
  ASSERT_TRUE(host.Launch("q/job/1", "sleep 66").receipt);
  Age("r@stop", 62);
  const std::string aged = host.ReadFile("leases/r@stop.lease");
  // The timer itself arms it again.
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return host.ReadFile("leases/r@stop.lease") != aged;
  }));
  EXPECT_EQ(host.Evidence(), "");
  ExpectLease(Renew("r/stop", kAfter), LeaseState::kArmed);
  // Another run's job does not count.
  const RemoteReply cancelled = host.Do(RemoteVerb::kCancel, "r/job/1");
  ASSERT_TRUE(cancelled.receipt) << cancelled.receipt.error().message;
  Age("r@stop", 62);
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
}

TEST_F(DeadMan, TakesUpARestoringThatWasCutOff) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  std::string lease = host.ReadFile("leases/r@stop.lease");
  lease.replace(lease.find("state=armed"), 11, "state=restoring");
  lease.replace(lease.find("pid=\nstart="), 11, "pid=1\nstart=12345678");
  host.WriteFile("leases/r@stop.lease", lease);
  EXPECT_TRUE(RestoredWithin("r@stop", Milliseconds(10'000)));
  EXPECT_EQ(host.Evidence(), "restored\n");
}

TEST_F(DeadMan, IsNotArmedByARefusedActuator) {
  ExpectLease(host.Arm("r/stop", Trace("restored"), kAfter), LeaseState::kArmed);
  host.identity.epoch = 0;
  for (const RemoteReply& reply : {host.Arm("r/other", "true", kAfter), Renew("r/stop", kAfter),
                                   host.Do(RemoteVerb::kDisarm, "r/stop")}) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kRefused);
  }
}

TEST_F(DeadMan, KeepsItsRunFromBeingSweptWhileItGuardsABegunStep) {
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  ASSERT_TRUE(host.Run("r/stop/1", "true").receipt);
  const RemoteReply swept = host.Do(RemoteVerb::kSweep, "r");
  ASSERT_FALSE(swept.receipt);
  EXPECT_EQ(swept.receipt.error().kind, ErrorKind::kRefused);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt)
      << "after a power cut it may be asked again";
}

TEST_F(DeadMan, GoesWithItsRunIfARequestArmedItAfterTheRunsEnd) {
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  ExpectLease(host.Do(RemoteVerb::kDisarm, "r/stop"), LeaseState::kNone);
  ExpectLease(host.Arm("r/stop", "true", kAfter), LeaseState::kArmed);
  EXPECT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  ExpectLease(Renew("r/stop", kAfter), LeaseState::kNone);
  const RemoteReply late = host.Arm("r/stop", "true", kAfter);
  ASSERT_FALSE(late.receipt);
  EXPECT_EQ(late.receipt.error().kind, ErrorKind::kRefused);
}

}  // namespace
}  // namespace mailhub::remote
