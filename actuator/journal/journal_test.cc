#include "actuator/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "actuator/journal/codec.h"
#include "actuator/journal/sample_events.h"
#include "actuator/journal/test_directory.h"

namespace mailhub::journal {
namespace {

using testing::EveryBody;
using testing::Numbered;
using testing::TestDirectory;
using testing::WholeRun;

constexpr WallTime kNow = WallTime(Milliseconds(1'700'000'000'000));

std::unique_ptr<Journal> MustOpen(const std::string& path) {
  Result<std::unique_ptr<Journal>> journal = Journal::Open(path, kNow);
  EXPECT_TRUE(journal) << journal.error().message;
  return journal ? std::move(*journal) : nullptr;
}

std::vector<std::string> AllOf(Journal& journal, Scope scope = Scope::kEverything) {
  std::vector<std::string> events;
  const Status s = journal.Replay(
      scope, [&events](const engine::Event& event) { events.push_back(testing::TextOf(event)); });
  EXPECT_TRUE(s) << s.error().message;
  return events;
}

std::vector<std::string> Texts(const std::vector<engine::Event>& events) {
  std::vector<std::string> texts;
  texts.reserve(events.size());
  for (const engine::Event& event : events) texts.push_back(testing::TextOf(event));
  return texts;
}

std::string RunId(int number) {
  std::string digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits + std::string(24, 'a');
}

TEST(Journal, AppendedEventsAreThereAfterReopening) {
  const TestDirectory directory;
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  std::string id;
  {
    const auto journal = MustOpen(directory / "journal.db");
    id = journal->id();
    EXPECT_EQ(journal->last_seq(), 0u);
    ASSERT_TRUE(journal->Append(std::span(events).first(5)));
    ASSERT_TRUE(journal->Append(std::span(events).subspan(5)));
    EXPECT_EQ(journal->last_seq(), events.size());
  }
  const auto journal = MustOpen(directory / "journal.db");
  EXPECT_EQ(journal->id(), id);
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(journal->last_seq(), events.size());
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, EachJournalHasAnIdentityOfItsOwn) {
  const TestDirectory directory;
  EXPECT_NE(MustOpen(directory / "a.db")->id(), MustOpen(directory / "b.db")->id());
}

TEST(Journal, TheFileIsForItsOwnerOnly) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(Numbered(EveryBody(), 1, RunId(1))));
  for (const char* name : {"journal.db", "journal.db-wal", "journal.db.lock"}) {
    struct stat status {};
    ASSERT_EQ(::stat((directory / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

TEST(Journal, AppendingTheSameAgainChangesNothing) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(events));
  const Status again = journal->Append(events);
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, ARetryMayCarryMoreThanTheCommittedEvents) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(std::span(events).first(4)));
  ASSERT_TRUE(journal->Append(events));
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, OtherContentUnderATakenNumberIsCorruption) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto events = Numbered(EveryBody(), 1, RunId(1));
  ASSERT_TRUE(journal->Append(events));
  auto later = events;
  later[4].at += Milliseconds(1);
  auto renamed = events;
  renamed[4].run = RunId(2);
  auto other = events;
  std::get<engine::RunDropped>(other[5].body).why = "another reason";
  for (const auto& changed : {later, renamed, other}) {
    const Status s = journal->Append(changed);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  }
  EXPECT_EQ(AllOf(*journal), Texts(events));
}

TEST(Journal, ANumberLeftOutIsCorruptionAndNothingIsRecorded) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  auto events = Numbered(EveryBody(), 1, RunId(1));
  events[3].seq = 40;
  const Status s = journal->Append(events);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().kind, ErrorKind::kCorrupt);
  EXPECT_TRUE(AllOf(*journal).empty()) << "the three before it are rolled back too";
  EXPECT_FALSE(journal->Append(Numbered(EveryBody(), 2, RunId(1)))) << "must begin at 1";
  EXPECT_TRUE(journal->Append(Numbered(EveryBody(), 1, RunId(1)))) << "usable after errors";
}

TEST(Journal, ASecondActuatorIsRefusedWithASentence) {
  const TestDirectory directory;
  auto journal = MustOpen(directory / "journal.db");
  const auto second = Journal::Open(directory / "journal.db", kNow);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kRefused);
  EXPECT_NE(second.error().message.find("another actuator (pid " + std::to_string(::getpid())),
            std::string::npos)
      << second.error().message;
  std::filesystem::create_symlink(directory / "journal.db", directory / "link.db");
  EXPECT_FALSE(Journal::Open(directory / "link.db", kNow)) << "the same file by another name";
  journal.reset();
  EXPECT_TRUE(Journal::Open(directory / "journal.db", kNow)) << "free again";
}

TEST(Journal, TheDirectoryMustExist) {
  const TestDirectory directory;
  const auto journal = Journal::Open(directory / "no/journal.db", kNow);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().kind, ErrorKind::kNotFound);
}

// Appends and numbers; has no other memory.
class Writer {
 public:
  explicit Writer(Journal* journal) : journal_(journal) {}

  void Run(const std::string& run, engine::Plan plan, size_t events,
           engine::RunResult result = engine::RunResult::kSucceeded) {
    auto all = WholeRun(next_, run, result);
    std::get<engine::RunQueued>(all[0].body).plan = std::move(plan);
    Append(std::span(all).first(events));
  }
  void Alert(const std::string& fingerprint, engine::Decision decision, const std::string& run,
             bool firing = true) {
    engine::AlertDecided alert;
    alert.fingerprint = fingerprint;
    alert.decision = decision;
    alert.run = run;
    alert.firing = firing;
    auto events = Numbered({alert}, next_, "");
    events[0].run = run;
    Append(events);
  }
  void Append(std::span<const engine::Event> events) {
    const Status done = journal_->Append(events);
    ASSERT_TRUE(done) << done.error().message;
    next_ += events.size();
  }
  uint64_t next() const { return next_; }

 private:
  Journal* journal_;
  uint64_t next_ = 1;
};

// A plan like the sample's, for one of several targets.
engine::Plan PlanFor(const std::string& target) {
  engine::Plan plan = testing::SamplePlan();
  plan.target = target;
  plan.parameters["first"] = target;
  return plan;
}

// Events by run; alerts under "alerts".
std::map<std::string, size_t> ShortReplay(Journal& journal) {
  std::map<std::string, size_t> seen;
  uint64_t previous = 0;
  const Status done = journal.Replay(Scope::kWhatStillMatters, [&](const engine::Event& event) {
    EXPECT_GT(event.seq, previous) << "in order";
    previous = event.seq;
    ++seen[std::holds_alternative<engine::AlertDecided>(event.body) ? "alerts" : event.run];
  });
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(previous, journal.last_seq()) << "the numbering goes on from the last event";
  return seen;
}

TEST(Journal, TheShortReplayHasOnlyTheOldRunsThatCooldownsAndExpectedDurationsNeed) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  writer.Run(RunId(1), PlanFor("mailhub1"), 12, engine::RunResult::kFailed);
  writer.Run(RunId(2), PlanFor("mailhub1"), 12, engine::RunResult::kFailed);
  writer.Run(RunId(3), PlanFor("mailhub3"), 12);
  for (int run = 100; run < 220; ++run) writer.Run(RunId(run), PlanFor("mailhub2"), 12);
  writer.Run(RunId(1000), PlanFor("mailhub2"), 11);
  writer.Run(RunId(1001), PlanFor("mailhub2"), 5);

  auto seen = ShortReplay(*journal);
  EXPECT_EQ(seen.count(RunId(1)), 0u) << "neither succeeded nor the last of its plan";
  EXPECT_EQ(seen[RunId(2)], 5u) << "the last one of its plan: a cooldown may rest on it";
  EXPECT_EQ(seen[RunId(3)], 5u) << "succeeded, and among the newest 50 of its target";
  EXPECT_EQ(seen.count(RunId(170)), 0u) << "51st of its target, and not among the newest shown";
  EXPECT_EQ(seen[RunId(171)], 12u) << "the newest 50 finished runs come whole";
  EXPECT_EQ(seen[RunId(219)], 12u);
  EXPECT_EQ(seen[RunId(1000)], 11u) << "not swept";
  EXPECT_EQ(seen[RunId(1001)], 5u) << "not finished";
}

TEST(Journal, TheShortReplayHasTheAlertsWhoseEpisodesAreOpenAndTheirRuns) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  using engine::Decision;
  for (const int run : {1, 2, 3, 4}) writer.Run(RunId(run), PlanFor("mailhub1"), 1);
  writer.Alert("open", Decision::kStartedRun, RunId(1));
  writer.Alert("joined", Decision::kJoined, RunId(1));
  writer.Alert("over", Decision::kStartedRun, RunId(2));
  writer.Alert("of a dropped run", Decision::kStartedRun, RunId(3));
  for (int i = 0; i < 50; ++i) writer.Alert("open", Decision::kRepeat, RunId(1));
  writer.Alert("over", Decision::kResolved, RunId(2), false);
  writer.Alert("over", Decision::kLate, "");  // hides nothing
  writer.Alert("anew", Decision::kResolved, "", false);
  writer.Alert("anew", Decision::kStartedRun, RunId(1));  // does not hide the end before it
  writer.Alert("over by a cancel", Decision::kStartedRun, RunId(4));
  writer.Alert("over by a cancel", Decision::kCancelled, RunId(4), false);
  for (const int run : {1, 2, 4}) {
    auto rest = WholeRun(writer.next() - 1, RunId(run), engine::RunResult::kFailed);
    writer.Append(std::span(rest).subspan(1));
  }
  writer.Append(Numbered({engine::RunDropped{.why = "x"}}, writer.next(), RunId(3)));
  for (int run = 100; run < 160; ++run) writer.Run(RunId(run), PlanFor("mailhub1"), 12);
  writer.Alert("nobody's", Decision::kIgnored, "");

  auto seen = ShortReplay(*journal);
  EXPECT_EQ(seen["alerts"], 8u) << "three episodes are open, one of them heard again; three ends "
                                   "were told; and the last event";
  EXPECT_EQ(seen[RunId(1)], 5u) << "the episodes need to know when their run finished";
  EXPECT_EQ(seen.count(RunId(2)), 0u);
  EXPECT_EQ(seen.count(RunId(3)), 0u);
}

TEST(Journal, TheShortReplayHasEndsAndRepeatsHoweverManyOtherAlertsCameSince) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  using engine::Decision;
  writer.Run(RunId(1), PlanFor("mailhub1"), 1);
  writer.Alert("open", Decision::kStartedRun, RunId(1));
  writer.Alert("open", Decision::kRepeat, RunId(1));
  writer.Alert("over", Decision::kResolved, "", false);
  writer.Alert("nobody's", Decision::kIgnored, "", false);
  for (int i = 0; i < 1100; ++i) writer.Alert("nobody's", Decision::kIgnored, "");
  EXPECT_EQ(ShortReplay(*journal)["alerts"], 5u) << "four of those before, and the last event";
}

TEST(Journal, TheShortReplayForgetsARunThatNeverTouchedAHost) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  Writer writer(journal.get());
  for (const int run : {1, 2}) {
    // Cancelled in the queue: no host has anything to sweep.
    writer.Run(RunId(run), PlanFor("mailhub1"), 1);
    writer.Append(
        Numbered({engine::RunFinished{.result = engine::RunResult::kCancelled, .detail = ""}},
                 writer.next(), RunId(run)));
  }
  for (int run = 100; run < 160; ++run) writer.Run(RunId(run), PlanFor("mailhub1"), 12);
  EXPECT_EQ(ShortReplay(*journal).count(RunId(1)), 0u);
}

// --- the reader

// The first `most` of what `read` finds.
template <typename T, typename Read>
Result<std::vector<T>> First(size_t most, Read read) {
  std::vector<T> found;
  const auto status = read([&](T one) {
    found.push_back(std::move(one));
    return found.size() < most;
  });
  if (!status) return Fail(status.error());
  return found;
}
Result<std::vector<engine::PastRun>> FinishedRuns(const JournalReader& reader, size_t most,
                                                  const engine::RunFilter& filter = {}) {
  return First<engine::PastRun>(
      most, [&](const auto& each) { return reader.FinishedRuns(filter, each); });
}
Result<std::vector<engine::PastAlert>> Alerts(const JournalReader& reader, size_t most,
                                              const engine::AlertFilter& filter = {}) {
  return First<engine::PastAlert>(most,
                                  [&](const auto& each) { return reader.Alerts(filter, each); });
}
Result<std::vector<engine::Event>> RunEvents(const JournalReader& reader, const std::string& run,
                                             uint64_t after = 0) {
  return First<engine::Event>(1'000,
                              [&](const auto& each) { return reader.RunEvents(run, after, each); });
}

TEST(JournalReader, FinishedRunsComeNewestFirstAndByRunbook) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1), engine::RunResult::kFailed)));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const auto dropped = Numbered({engine::RunQueued{.plan = testing::SamplePlan(),
                                                   .trigger = "",
                                                   .fingerprint = "",
                                                   .by = "",
                                                   .only_if = "x"},
                                 engine::RunDropped{.why = "no longer true"}},
                                25, RunId(3));
  ASSERT_TRUE(journal->Append(dropped));
  const auto open = WholeRun(27, RunId(4));
  ASSERT_TRUE(journal->Append(std::span(open).first(6)));

  const JournalReader reader(directory / "journal.db");
  const auto runs = FinishedRuns(reader, 100);
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs->size(), 3u);
  EXPECT_EQ((*runs)[0].id, RunId(3));
  EXPECT_EQ((*runs)[0].result, engine::RunResult::kDropped);
  EXPECT_EQ((*runs)[0].detail, "no longer true");
  EXPECT_FALSE((*runs)[0].started);
  EXPECT_EQ((*runs)[1].id, RunId(2));
  EXPECT_EQ((*runs)[1].detail, "as planned");
  EXPECT_EQ((*runs)[1].by, "alice");
  EXPECT_EQ((*runs)[1].target, "mailhub2");
  EXPECT_EQ((*runs)[1].queued, kNow + Seconds(13));
  EXPECT_EQ((*runs)[1].started, kNow + Seconds(14));
  EXPECT_EQ((*runs)[1].finished, kNow + Seconds(23));
  EXPECT_EQ((*runs)[2].result, engine::RunResult::kFailed);
  const auto older = FinishedRuns(reader, 100, {.before = (*runs)[1].seq});
  ASSERT_TRUE(older);
  ASSERT_EQ(older->size(), 1u);
  EXPECT_EQ((*older)[0].id, (*runs)[2].id);
  EXPECT_EQ(FinishedRuns(reader, 2, {.runbook = "directory-restart"})->size(), 2u);
  EXPECT_TRUE(FinishedRuns(reader, 2, {.runbook = "mailhub-rebuild"})->empty());
  EXPECT_EQ(FinishedRuns(reader, 9, {.result = "failed"})->at(0).id, RunId(1));
  EXPECT_EQ(FinishedRuns(reader, 9, {.target = "mailhub2"})->size(), 3u);
  EXPECT_TRUE(FinishedRuns(reader, 9, {.target = ""})->empty()) << "each has one";
}

TEST(JournalReader, AlertsComeNewestFirst) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  std::vector<engine::EventBody> bodies;
  for (int i = 0; i < 5; ++i) {
    engine::AlertDecided decided;
    decided.alertname = "A" + std::to_string(i);
    bodies.emplace_back(decided);
  }
  ASSERT_TRUE(journal->Append(Numbered(std::move(bodies), 1, "")));
  const auto alerts = Alerts(JournalReader(directory / "journal.db"), 2);
  ASSERT_TRUE(alerts);
  ASSERT_EQ(alerts->size(), 2u);
  EXPECT_EQ((*alerts)[0].decided.alertname, "A4");
  EXPECT_EQ((*alerts)[1].decided.alertname, "A3");
}

// What a search finds, and where it ended.
struct Found {
  std::vector<uint64_t> seqs;
  uint64_t unseen = 0;
};
Found FindAlerts(const JournalReader& reader, const engine::AlertFilter& filter) {
  Found found;
  const auto unseen = reader.Alerts(filter, [&](const engine::PastAlert& alert) {
    found.seqs.push_back(alert.seq);
    return true;
  });
  EXPECT_TRUE(unseen);
  found.unseen = unseen.value_or(0);
  return found;
}

TEST(JournalReader, FindsDecisionsByNameFingerprintRunAndDecisionHoweverOldTheyAre) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  std::vector<engine::EventBody> bodies;
  for (int i = 0; i < 10'050; ++i) {
    engine::AlertDecided decided;
    decided.alertname = i == 3 ? "Old" : "New";
    decided.fingerprint = i == 3 ? "00ff12ab34cd56ef" : "ffffffffffffffff";
    decided.decision = i == 3 ? engine::Decision::kStartedRun : engine::Decision::kIgnored;
    decided.run = i == 3 ? RunId(1) : "";
    bodies.emplace_back(decided);
  }
  ASSERT_TRUE(journal->Append(Numbered(std::move(bodies), 1, "")));
  const JournalReader reader(directory / "journal.db");
  const engine::AlertFilter filters[] = {{"Old", "", "", "", 0},
                                         {"", "00ff12ab34cd", "", "", 0},
                                         {"", "", "started_run", "", 0},
                                         {"", "", "", RunId(1).substr(0, 12), 0},
                                         {"Old", "", "", "", 5}};
  for (engine::AlertFilter filter : filters) {
    Found found = FindAlerts(reader, filter);
    if (filter.before == 0) {
      EXPECT_TRUE(found.seqs.empty());
      EXPECT_EQ(found.unseen, 51u) << "10,000 of them are looked at";
      filter.before = found.unseen;
      found = FindAlerts(reader, filter);
    }
    EXPECT_EQ(found.seqs, std::vector<uint64_t>{4});
    EXPECT_EQ(found.unseen, 0u);
  }
  // Exactly as many as are looked at: there is no more.
  EXPECT_EQ(FindAlerts(reader, {"Old", "", "", "", 10'001}).unseen, 0u);
  EXPECT_EQ(FindAlerts(reader, {"Old", "", "", "", 10'002}).unseen, 2u);
  EXPECT_TRUE(Alerts(reader, 10, {"Old", "", "ignored", "", 0})->empty());
  EXPECT_TRUE(Alerts(reader, 10, {"", "' OR 1=1 --", "", "", 0})->empty());
  const auto page = Alerts(reader, 2, {"", "", "", "", 100});
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].seq, 99u);
  EXPECT_EQ((*page)[1].seq, 98u);
}

TEST(JournalReader, LooksAtABoundedNumberOfRunsAtATime) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  constexpr uint64_t kRuns = engine::kMostLookedAt + 2;
  std::vector<engine::Event> events;
  for (uint64_t run = 1; run <= kRuns; ++run) {
    engine::RunQueued queued{
        .plan = testing::SamplePlan(), .trigger = "", .fingerprint = "", .by = "", .only_if = "x"};
    if (run == 1) queued.plan.target = "x500";
    for (engine::Event& event : Numbered({queued, engine::RunDropped{.why = "no longer true"}},
                                         2 * run - 1, RunId(static_cast<int>(run))))
      events.push_back(std::move(event));
  }
  ASSERT_TRUE(journal->Append(events));
  const JournalReader reader(directory / "journal.db");
  std::vector<uint64_t> seqs;
  const auto find = [&](uint64_t before) {
    return reader
        .FinishedRuns({.target = "x500", .before = before},
                      [&](const engine::PastRun& run) {
                        seqs.push_back(run.seq);
                        return true;
                      })
        .value();
  };
  const uint64_t unseen = find(0);
  EXPECT_EQ(unseen, 5u) << "the two oldest ended with events 4 and 2";
  EXPECT_TRUE(seqs.empty());
  EXPECT_EQ(find(unseen), 0u);
  EXPECT_EQ(seqs, std::vector<uint64_t>{2});
}

TEST(JournalReader, ARunIsFoundByAUniquePrefix) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  const auto one = WholeRun(1, RunId(1));
  ASSERT_TRUE(journal->Append(one));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  const auto events = RunEvents(reader, RunId(1).substr(0, 8));
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(Texts(*events), Texts(one));
  EXPECT_EQ(RunEvents(reader, RunId(1))->size(), 12u);
  const auto rest = RunEvents(reader, RunId(1), 10);
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ((*rest)[0].seq, 11u);
}

TEST(JournalReader, AmbiguousShortAndUnknownRunsAreErrors) {
  const TestDirectory directory;
  const auto journal = MustOpen(directory / "journal.db");
  ASSERT_TRUE(journal->Append(WholeRun(1, RunId(1))));
  ASSERT_TRUE(journal->Append(WholeRun(13, RunId(2))));
  const JournalReader reader(directory / "journal.db");
  EXPECT_EQ(RunEvents(reader, "000000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "0000").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunEvents(reader, "ffffffff").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(RunEvents(reader, "' OR 1=1 --").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(Alerts(JournalReader(directory / "none.db"), 1).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::journal
