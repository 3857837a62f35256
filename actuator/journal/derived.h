// Derives a journal's tables anew from its events, and compares them with the ones that are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/journal/database.h"
#include "actuator/journal/event_writer.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// What a comparison has found.
struct Differences {
  std::vector<std::string> mistakes;  // a sentence each
  // Lines that may be missing because pruning removed the event that ended them: not compared.
  uint64_t unknown = 0;
};

// Confined to one thread; must not outlive `database`. The tables are derived by EventWriter, as when
// the events were committed, into temporary ones of the same names. So until the database is closed,
// `runs`, `episodes` and `last_heard` are the new ones, and those of the file are `main.runs`, ...
// Changes nothing in the file, which may be open read-only. Errors are as in Database.
class Derived {
 public:
  // The file has the current schema version.
  static Result<Derived> Prepare(Database* database);

  // Give it all events of the file in their order. Those with `detail` 1 change nothing.
  Status Add(const engine::Event& event);
  // After the last event. At most `most` mistakes. Of lines of alerts that the file lacks, only those
  // are mistakes whose event is `whole_from` or later (numbers.h).
  Result<Differences> Compare(uint64_t whole_from, size_t most);

 private:
  Derived(Database* database, EventWriter writer)
      : database_(database), writer_(std::move(writer)) {}

  Database* database_;
  EventWriter writer_;
};

}  // namespace mailhub::journal
