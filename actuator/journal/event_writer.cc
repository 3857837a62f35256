// See event_writer.h.
#include "actuator/journal/event_writer.h"

#include <array>
#include <utility>
#include <variant>
#include <vector>

#include "actuator/journal/codec.h"

namespace mailhub::journal {

struct EventWriter::Statements {
  Statement last_event, insert_event, find_event, insert_plan;
  Statement queued, started, finished, swept;
  Statement episode, episode_over, waiting_over, dropped, heard;
};

EventWriter::EventWriter(std::unique_ptr<Statements> statements)
    : statements_(std::move(statements)) {}
EventWriter::~EventWriter() = default;
EventWriter::EventWriter(EventWriter&&) noexcept = default;
EventWriter& EventWriter::operator=(EventWriter&&) noexcept = default;

Result<EventWriter> EventWriter::Prepare(Database* database) {
  constexpr std::array kSql = {
      "SELECT max(seq) FROM events",
      "INSERT INTO events(seq, at_ms, run, kind, detail, body) VALUES(?, ?, ?, ?, ?, ?)",
      "SELECT at_ms, run, kind, body FROM events WHERE seq = ?",
      "INSERT INTO plans(digest, body) VALUES(?, ?) ON CONFLICT(digest) DO NOTHING",
      "INSERT INTO runs(run, runbook, target, started_by, queued_ms, plan) "
      "VALUES(?, ?, ?, ?, ?, ?)",
      "UPDATE runs SET started_ms = ? WHERE run = ?",
      // Where no host was asked to act, there is nothing to sweep.
      "UPDATE runs SET finished_ms = ?, finished_seq = ?, result = ?, result_detail = ?, "
      "swept = NOT EXISTS (SELECT 1 FROM events WHERE events.run = runs.run AND "
      "kind IN ('step_started', 'dead_man_armed') AND json_extract(body, '$.directory_id') != '') "
      "WHERE run = ?",
      "UPDATE runs SET swept = 1 WHERE run = ?",
      "INSERT INTO episodes(fingerprint, seq, run) VALUES(?, ?, ?) "
      "ON CONFLICT(fingerprint) DO UPDATE SET seq = excluded.seq, run = excluded.run",
      "DELETE FROM episodes WHERE fingerprint = ?",
      "DELETE FROM episodes WHERE fingerprint = ? AND seq IN (SELECT events.seq FROM events WHERE "
      "events.seq = episodes.seq AND json_extract(body, '$.decision') IN "
      "('observed', 'halted', 'cooldown', 'deferred'))",
      "DELETE FROM episodes WHERE run = ? AND seq IN (SELECT events.seq FROM events WHERE "
      "events.seq = episodes.seq AND json_extract(body, '$.decision') = 'started_run' "
      "AND coalesce(json_extract(body, '$.tries'), 0) < 2)",
      "INSERT INTO last_heard(fingerprint, ended, seq) VALUES(?, ?, ?) "
      "ON CONFLICT(fingerprint, ended) DO UPDATE SET seq = excluded.seq"};
  std::vector<Statement> made;
  for (const char* text : kSql) {
    Result<Statement> statement = database->Prepare(text);
    if (!statement) return Fail(statement.error());
    made.push_back(std::move(*statement));
  }
  return EventWriter(std::make_unique<Statements>(
      Statements{std::move(made[0]), std::move(made[1]), std::move(made[2]), std::move(made[3]),
                 std::move(made[4]), std::move(made[5]), std::move(made[6]), std::move(made[7]),
                 std::move(made[8]), std::move(made[9]), std::move(made[10]), std::move(made[11]),
                 std::move(made[12])}));
}

Result<uint64_t> EventWriter::LastSeq() {
  Statement& last = statements_->last_event;
  const Result<bool> row = last.Step();
  const auto found = row && *row ? static_cast<uint64_t>(last.Int(0)) : 0;
  last.Reset();
  if (!row) return Fail(row.error());
  return found;
}

Result<bool> EventWriter::Has(const engine::Event& event) {
  const Encoded encoded = Encode(event.body);
  Statement& find = statements_->find_event;
  const Result<bool> row = find.Bind(static_cast<int64_t>(event.seq)).Step();
  const bool same = row && *row && find.Int(0) == ToUnixMs(event.at) && find.Text(1) == event.run &&
                    find.Text(2) == encoded.kind && find.Text(3) == encoded.body;
  find.Reset();
  if (!row) return Fail(row.error());
  return same;
}

Status EventWriter::Write(const engine::Event& event) {
  const Encoded encoded = Encode(event.body);
  std::string plan_digest;
  if (!encoded.plan.empty()) {
    const Result<std::string> digest = PlanDigest(encoded.body);
    if (!digest) return Fail(digest.error());
    plan_digest = *digest;
    Status s = statements_->insert_plan.Bind(*digest).Bind(encoded.plan).Execute();
    if (!s) return s;
  }
  Status s = statements_->insert_event.Bind(static_cast<int64_t>(event.seq))
                 .Bind(ToUnixMs(event.at))
                 .Bind(event.run)
                 .Bind(encoded.kind)
                 .Bind(engine::AboutOf(event.body) == engine::About::kDetail ? 1 : 0)
                 .Bind(encoded.body)
                 .Execute();
  if (!s) return s;
  return Derive(event, plan_digest);
}

Status EventWriter::Derive(const engine::Event& event, const std::string& plan_digest) {
  if (Status s = UpdateRuns(event, plan_digest); !s) return s;
  return UpdateEpisodes(event);
}

// Updates the derived tables in the same transaction.
Status EventWriter::UpdateEpisodes(const engine::Event& event) {
  if (const auto* alert = std::get_if<engine::AlertDecided>(&event.body)) {
    if (engine::OpensEpisode(alert->decision)) {
      return statements_->episode.Bind(alert->fingerprint)
          .Bind(static_cast<int64_t>(event.seq))
          .Bind(alert->run)
          .Execute();
    }
    // As the engine forgets it; a late end belongs to an earlier alert.
    switch (alert->decision) {
      case engine::Decision::kLate:
        return {};
      case engine::Decision::kRepeat:
        return NoteHeard(*alert, event.seq);
      default:
        break;
    }
    Statement& over = alert->firing ? statements_->waiting_over : statements_->episode_over;
    const Status s = over.Bind(alert->fingerprint).Execute();
    return s && !alert->firing ? NoteHeard(*alert, event.seq) : s;
  }
  if (const auto* closed = std::get_if<engine::EpisodeClosed>(&event.body)) {
    return statements_->episode_over.Bind(closed->fingerprint).Execute();
  }
  // Alerts that had joined it may not share its reason; the engine decides.
  if (std::holds_alternative<engine::RunDropped>(event.body)) {
    return statements_->dropped.Bind(event.run).Execute();
  }
  return {};
}

Status EventWriter::NoteHeard(const engine::AlertDecided& alert, uint64_t seq) {
  return statements_->heard.Bind(alert.fingerprint)
      .Bind(alert.firing ? 0 : 1)
      .Bind(static_cast<int64_t>(seq))
      .Execute();
}

Status EventWriter::UpdateRuns(const engine::Event& event, const std::string& plan_digest) {
  const int64_t at_ms = ToUnixMs(event.at);
  if (const auto* queued = std::get_if<engine::RunQueued>(&event.body)) {
    return statements_->queued.Bind(event.run)
        .Bind(queued->plan.runbook)
        .Bind(queued->plan.target)
        .Bind(queued->by)
        .Bind(at_ms)
        .Bind(plan_digest)
        .Execute();
  }
  if (std::holds_alternative<engine::RunStarted>(event.body)) {
    return statements_->started.Bind(at_ms).Bind(event.run).Execute();
  }
  const auto finish = [&](engine::RunResult result, const std::string& detail) {
    return statements_->finished.Bind(at_ms)
        .Bind(static_cast<int64_t>(event.seq))
        .Bind(engine::Name(result))
        .Bind(detail)
        .Bind(event.run)
        .Execute();
  };
  if (const auto* dropped = std::get_if<engine::RunDropped>(&event.body)) {
    return finish(engine::RunResult::kDropped, dropped->why);
  }
  if (const auto* finished = std::get_if<engine::RunFinished>(&event.body)) {
    return finish(finished->result, finished->detail);
  }
  if (std::holds_alternative<engine::RunSwept>(event.body)) {
    return statements_->swept.Bind(event.run).Execute();
  }
  return {};
}

}  // namespace mailhub::journal
