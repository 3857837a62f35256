// What of the past a start still needs. Replay reads exactly this, and pruning never takes any of
// it; so a journal that was pruned gives the same decisions as before.
#pragma once

namespace mailhub::journal {

// Two common table expressions. `whole`: runs with all their events; `brief`: runs with only begin
// and end. Once a run is in neither, it never comes back: each of these lists is pushed on by newer
// runs only.
inline constexpr const char* kRunsThatMatter = R"(whole AS (
  SELECT run FROM runs WHERE swept = 0
  UNION SELECT run FROM (SELECT run FROM runs WHERE finished_seq IS NOT NULL
    ORDER BY finished_seq DESC LIMIT 50)
  UNION SELECT run FROM events WHERE seq = (SELECT max(seq) FROM events) AND run != ''),
brief AS (
  SELECT run FROM episodes
  UNION SELECT run FROM (SELECT run, max(finished_seq) FROM runs
    WHERE finished_seq IS NOT NULL AND result != 'dropped' GROUP BY plan)
  UNION SELECT run FROM (SELECT run, row_number() OVER (PARTITION BY runbook, target
    ORDER BY finished_seq DESC) AS newest FROM runs WHERE result = 'succeeded') WHERE newest <= 50))";

// A SELECT of the numbers of alerts' events. 20,000 is the number of alerts' ends that the engine
// keeps.
inline constexpr const char* kAlertsThatMatter = R"(SELECT seq FROM episodes
UNION SELECT seq FROM last_heard WHERE ended = 0 AND fingerprint IN (SELECT fingerprint FROM episodes)
UNION SELECT seq FROM (SELECT seq FROM last_heard WHERE ended = 1 ORDER BY seq DESC LIMIT 20000))";

}  // namespace mailhub::journal
