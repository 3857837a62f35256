// Writes events, and the tables that are derived from them. Its reader is in rows.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actuator/engine/event.h"
#include "actuator/journal/database.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// Prepared statements on one database, which must outlive it. Confined to one thread. The caller
// has a transaction open; errors are as in Database.
class EventWriter {
 public:
  // The tables of schema.h must be there.
  static Result<EventWriter> Prepare(Database* database);
  ~EventWriter();
  EventWriter(EventWriter&&) noexcept;
  EventWriter& operator=(EventWriter&&) noexcept;

  Result<uint64_t> LastSeq();  // 0: there is no event
  // Whether this very event is recorded under its number.
  Result<bool> Has(const engine::Event& event);
  Status Write(const engine::Event& event);
  // Only the tables that are derived from events. `plan_digest`: of a run_queued, else empty.
  Status Derive(const engine::Event& event, const std::string& plan_digest);

 private:
  struct Statements;
  explicit EventWriter(std::unique_ptr<Statements> statements);
  Status UpdateRuns(const engine::Event& event, const std::string& plan_digest);
  Status UpdateEpisodes(const engine::Event& event);
  Status NoteHeard(const engine::AlertDecided& alert, uint64_t seq);

  std::unique_ptr<Statements> statements_;
};

}  // namespace mailhub::journal
