// Counts finished runs by runbook, target and month. Pure; report_text.h shows the result.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/ctl/model.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

// Of those values that are known.
struct Quantiles {
  size_t known = 0;
  std::optional<double> p50_s, p90_s;  // nearest rank, as the actuator's estimates
};

struct ReportGroup {
  std::string runbook, target;
  std::string month;                   // "2026-11", of the runs' ends
  std::map<std::string, int> results;  // runs by result
  // Of the runs that succeeded, so that a run that was cancelled at once does not make them short.
  Quantiles waited;  // from the request until the start
  Quantiles worked;
  Quantiles held;                    // in holds, pauses and questions
  Quantiles whole;                   // from the start until the end
  std::map<std::string, int> holds;  // by reason
  // By person, then by verb. Who requested a run has "start".
  std::map<std::string, std::map<std::string, int>> acted;
  int acted_more = 0;  // acts whose person the actuator did not name
  // "yes"; "no": runs of the month may have been removed from the journal; "unknown".
  std::string complete = "yes";
};

// From when on the journal has all finished runs.
struct WholeFrom {
  bool said = false;  // the actuator says it
  std::string time;   // RFC 3339; empty: none was removed
};

// In the order of runbook, target, month. Months are local, or those of UTC with `utc`.
std::vector<ReportGroup> GroupsOf(const std::vector<ReportedRun>& runs, bool utc);

// What a report that begins at `since` (RFC 3339) lacks, as a sentence, and the months that it
// concerns; "": nothing. Months as in GroupsOf.
std::string MarkIncomplete(const WholeFrom& whole, const std::string& since, bool utc,
                           std::vector<ReportGroup>* groups);

// "90d" (before `now`), "2026-01-31" (its local begin) or RFC 3339, as RFC 3339 in UTC. kInvalid
// with the expected forms.
Result<std::string> ReportTime(const std::string& text, WallTime now);

}  // namespace mailhub::ctl
