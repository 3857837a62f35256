// From the journal's file to receivers: across restarts, reloads, slow receivers and a damaged file.
#include "actuator/notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "actuator/journal/test_directory.h"
#include "actuator/notify/testing_notify.h"

namespace mailhub::notify {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::IsEmpty;
using testing::kRun;
using testing::TestReceiver;
using testing::WholeRun;

std::string Id(const std::string& rest) {
  return "\"" + std::string(kRun) + "-" + rest + "\"";
}

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() { journal_ = std::move(*journal::Journal::Open(Path(), clock_.Now())); }

  std::string Path() const { return directory_ / "j.db"; }
  static ReceiverOptions Options(const TestReceiver& server, const std::string& name = "chat",
                                 Format format = Format::kPlain) {
    ReceiverOptions options;
    options.name = name;
    options.url = format == Format::kAlertmanager
                      ? "http://127.0.0.1:" + std::to_string(server.Port())
                      : server.Url();
    options.format = format;
    for (const Happening event : All<Happening>()) options.events.insert(event);
    options.timeout = Seconds(5);
    return options;
  }
  // Begins a life of the program.
  void Start(std::vector<ReceiverOptions> receivers) {
    notifier_ = std::make_unique<Notifier>(
        NotifierOptions{Path(), [this] { return view_.Copy(); }, &clock_, Milliseconds(10)});
    notifier_->Start(journal_->id(), journal_->last_seq(), std::move(receivers));
  }
  // Commits the events now: their times are the present.
  void Commit(std::vector<engine::Event> events) {
    for (engine::Event& event : events) event.at = clock_.Now();
    ASSERT_TRUE(journal_->Append(events));
    if (notifier_) notifier_->Committed(journal_->last_seq());
  }
  void Commit(size_t from, size_t to, uint64_t first = 1, const std::string& run = kRun) {
    const auto all = WholeRun(first, run);
    Commit({all.begin() + static_cast<ptrdiff_t>(from), all.begin() + static_cast<ptrdiff_t>(to)});
  }
  api::ReceiverStatus Status(size_t index = 0) const { return notifier_->List().at(index); }
  // The receiver has the last answer too; a stop before that would repeat the notification.
  bool TakesNoMore() const {
    return Eventually([this] { return Status().pending == 0; });
  }
  void ShowLate(bool late) {
    auto view = std::make_shared<engine::View>();
    engine::RunView run;
    run.id = kRun;
    run.runbook = "mailhub-rebuild";
    run.overdue = late;
    view->unfinished = {run};
    view_.With([&](auto& shared) { shared = view; });
  }

  const journal::testing::TestDirectory directory_;
  RealClock clock_;
  std::unique_ptr<journal::Journal> journal_;
  Guarded<std::shared_ptr<const engine::View>> view_{std::make_shared<const engine::View>()};
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, TellsARunInOrder) {
  TestReceiver chat;
  Start({Options(chat)});
  for (size_t i = 0; i < 11; ++i) Commit(i, i + 1);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 3; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("held-1"), Id("waiting-2-1"), Id("finished")));
  EXPECT_TRUE(TakesNoMore());
}

TEST_F(NotifierTest, ANewReceiverIsToldNothingOfThePast) {
  Commit(0, 6);
  TestReceiver chat;
  Start({Options(chat)});
  Commit(6, 11);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 2; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("waiting-2-1"), Id("finished")));
}

TEST_F(NotifierTest, ARestartTellsWhatWasNotTakenAndNothingTwice) {
  TestReceiver chat;
  Start({Options(chat)});
  Commit(0, 5);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 1; }));
  ASSERT_TRUE(TakesNoMore());
  chat.AnswerWith(503);
  Commit(5, 11);
  ASSERT_TRUE(Eventually([&] { return Status().failed > 0; }));
  notifier_.reset();
  const size_t asked = chat.Requests().size();
  chat.AnswerWith(200);
  Start({Options(chat)});
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 3; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("held-1"), Id("waiting-2-1"), Id("finished")));
  EXPECT_EQ(chat.Requests().size(), asked + 2);
  ASSERT_TRUE(TakesNoMore());
  EXPECT_TRUE(Status().last_success);
  notifier_.reset();
  Start({Options(chat)});
  Commit(0, 4, 12, std::string(32, 'b'));
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 4; })) << "and goes on";
  EXPECT_EQ(chat.Ids().back(), "\"" + std::string(32, 'b') + "-held-1\"");
}

TEST_F(NotifierTest, EventsThatWereCommittedWithoutItAreToldAtTheNextStart) {
  TestReceiver chat;
  Start({Options(chat)});
  notifier_.reset();
  Commit(0, 11);  // as before a crash, in which the notifier never heard of them
  Start({Options(chat)});
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 3; }));
}

TEST_F(NotifierTest, AReceiverThatIsAwayForLongGetsTheNewestAndTheNumberOfTheOthers) {
  TestReceiver chat;
  chat.AnswerWith(503, "300");
  ReceiverOptions options = Options(chat);
  options.events = {Happening::kFinished};
  Start({options});
  uint64_t first = 1;
  for (int i = 0; i < 120; ++i, first += 11) {
    Commit(0, 11, first, std::string(29, 'a') + std::to_string(100 + i));
  }
  ASSERT_TRUE(Eventually([&] { return Status().pending == 100; }));
  ASSERT_TRUE(Eventually([&] { return Status().dropped.at(2).second == 20; }));
  EXPECT_EQ(Status().dropped.at(2).first, "too_many");
  notifier_.reset();
  chat.AnswerWith(200);
  Start({options});
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 100; }));
  EXPECT_EQ(chat.Ids().front(), "\"" + std::string(29, 'a') + "120-finished\"");
  const auto requests = chat.Requests();
  EXPECT_NE(requests.at(requests.size() - 100).body.find("\"left_out\":20"), std::string::npos)
      << "also after a restart";
}

TEST_F(NotifierTest, ASlowReceiverDelaysNeitherAnotherNorACommit) {
  TestReceiver slow;
  TestReceiver quick;
  slow.Hang(true);
  Start({Options(slow, "a-slow"), Options(quick, "quick")});
  const SteadyTime before = clock_.Steady();
  for (size_t i = 0; i < 11; ++i) Commit(i, i + 1);
  ASSERT_TRUE(Eventually([&] { return quick.Ids().size() == 3; }));
  EXPECT_LT(clock_.Steady() - before, Seconds(4)) << "less than the slow one's time-out";
  EXPECT_THAT(slow.Ids(), IsEmpty());
  EXPECT_EQ(Status(0).pending, 3U);
}

TEST_F(NotifierTest, ARunThatHasEndedIsNotToldAsLate) {
  TestReceiver chat;
  Start({Options(chat)});
  Commit(0, 11);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 3; }));
  ShowLate(true);  // a view of a moment ago
  Commit(0, 4, 12, std::string(32, 'c'));
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 4; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("held-1"), Id("waiting-2-1"), Id("finished"),
                                      "\"" + std::string(32, 'c') + "-held-1\""));
}

TEST_F(NotifierTest, ALateRunIsToldOnceAlsoAcrossRestarts) {
  Commit(0, 3);
  TestReceiver chat;
  Start({Options(chat)});
  ShowLate(true);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 1; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("late")));
  ASSERT_TRUE(TakesNoMore());
  ShowLate(false);
  ShowLate(true);
  notifier_.reset();
  Start({Options(chat)});
  Commit(3, 4);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 2; }));
  ASSERT_TRUE(TakesNoMore());
  EXPECT_EQ(chat.Ids().back(), Id("held-1"));
  // One that nobody has taken is told by the next life, with the same id.
  chat.AnswerWith(503);
  Commit(0, 2, 5, std::string(32, 'c'));
  auto view = std::make_shared<engine::View>();
  view->unfinished.resize(1);
  view->unfinished[0].id = std::string(32, 'c');
  view->unfinished[0].overdue = true;
  view_.With([&](auto& shared) { shared = view; });
  ASSERT_TRUE(Eventually([&] { return Status().failed > 0; }));
  notifier_.reset();
  chat.AnswerWith(200);
  Start({Options(chat)});
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 3; }));
  EXPECT_EQ(chat.Ids().back(), "\"" + std::string(32, 'c') + "-late\"");
}

TEST_F(NotifierTest, AReloadAddsChangesAndRemovesReceivers) {
  TestReceiver one;
  TestReceiver two;
  one.AnswerWith(503);
  Start({Options(one)});
  Commit(0, 5);
  ASSERT_TRUE(Eventually([&] { return Status().failed > 0; }));
  // The same name at another place gets what the first place did not take; a new one does not.
  ReceiverOptions moved = Options(two);
  notifier_->Use({moved, Options(two, "new")});
  ASSERT_TRUE(Eventually([&] { return two.Ids().size() == 1; }));
  EXPECT_THAT(two.Ids(), ElementsAre(Id("held-1")));
  Commit(5, 7);
  ASSERT_TRUE(Eventually([&] { return two.Ids().size() == 3; }));
  EXPECT_EQ(two.Ids().back(), Id("waiting-2-1"));
  notifier_->Use({Options(two, "new")});
  ASSERT_TRUE(Eventually([&] { return notifier_->List().size() == 1; }));
  Commit(7, 11);
  ASSERT_TRUE(Eventually([&] { return two.Ids().size() == 4; }));
  // What was taken away and comes again is new.
  notifier_->Use({moved, Options(two, "new")});
  ASSERT_TRUE(Eventually([&] { return notifier_->List().size() == 2; }));
  notifier_.reset();
  EXPECT_EQ(two.Ids().size(), 4U);
}

TEST_F(NotifierTest, ToAnAlertmanagerAHoldLastsUntilItIsAnswered) {
  TestReceiver alertmanager;
  Start({Options(alertmanager, "am", Format::kAlertmanager)});
  engine::Run run;
  run.id = kRun;
  const auto events = WholeRun();
  for (size_t i = 0; i < 4; ++i) run.Apply(events[i]);
  auto view = std::make_shared<engine::View>();
  view->unfinished = {ViewOf(run)};
  view_.With([&](auto& shared) { shared = view; });
  ASSERT_TRUE(Eventually([&] { return alertmanager.Requests().size() == 1; }));
  EXPECT_NE(alertmanager.Requests()[0].body.find("MailhubRunHeld"), std::string::npos);
  view_.With([](auto& shared) { shared = std::make_shared<const engine::View>(); });
  ASSERT_TRUE(Eventually([&] { return alertmanager.Requests().size() == 2; })) << "its end";
}

TEST_F(NotifierTest, ADamagedFileIsPutAsideAndTheProgramGoesOn) {
  std::ofstream(Path() + ".receivers") << "This is no database, and long enough to be read as one.";
  Commit(0, 6);
  TestReceiver chat;
  Start({Options(chat)});
  Commit(6, 7);
  ASSERT_TRUE(Eventually([&] { return chat.Ids().size() == 1; }));
  EXPECT_THAT(chat.Ids(), ElementsAre(Id("waiting-2-1")));
  EXPECT_TRUE(std::filesystem::exists(Path() + ".receivers.damaged"));
}

TEST_F(NotifierTest, WithoutReceiversThereIsNoFile) {
  Start({});
  Commit(0, 4);
  notifier_.reset();
  EXPECT_FALSE(std::filesystem::exists(Path() + ".receivers"));
}

TEST_F(NotifierTest, ATestOfAnUnknownReceiverNamesThoseThatThereAre) {
  TestReceiver chat;
  Start({Options(chat)});
  EXPECT_TRUE(notifier_->Test("chat"));
  const auto unknown = notifier_->Test("cat");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(unknown.error().message.find("configured: chat"), std::string::npos);
}

}  // namespace
}  // namespace mailhub::notify
