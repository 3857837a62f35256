// `status` and `episode`: everything open, on one screen.
#include "actuator/ctl/commands.h"
#include "actuator/ctl/hold_text.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/run_text.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

std::string DeadMenText(const Overview& overview) {
  std::string text;
  for (const auto& [state, count] : overview.dead_men)
    if (count > 0)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + Printable(state);
  return text.empty() ? "none" : text;
}

void ShowOverview(const Overview& overview) {
  Out("mode " + Printable(overview.mode) + "; " +
      (overview.ready ? "ready"
                      : "NOT READY: the journal is not replayed, cannot be written or does not "
                        "answer") +
      "; version " + Printable(overview.version) + "\n");
  Out("unfinished runs: " + std::to_string(overview.unfinished_runs) + "; holds: " +
      std::to_string(overview.holds) + "; questions: " + std::to_string(overview.questions) +
      (overview.pauses > 0 ? "; paused: " + std::to_string(overview.pauses) : "") +
      (overview.queue_blocked_by_hold ? "; A HOLD BLOCKS THE QUEUE" : "") + "\n");
  Out("dead men: " + DeadMenText(overview) + "\n");
  Out("open episodes: " + std::to_string(overview.open_episodes) +
      "; unanswered alerts: " + std::to_string(overview.unanswered_alerts) +
      (overview.still_firing_alerts > 0
           ? "; answered but still firing: " + std::to_string(overview.still_firing_alerts)
           : "") +
      "\n");
}

// The author of the files believes that they are in force.
void ShowRefusedReload(const Overview& overview) {
  if (overview.reload_refused_at.empty()) return;
  OutLines({"THE LAST RELOAD WAS REFUSED, " + LocalTime(overview.reload_refused_at) +
            "; the configuration of " + LocalTime(overview.configuration_since) + " is in force:"});
  for (const std::string& line : PrintableLines(overview.reload_refused_why))
    OutLines({"  " + line});
}

// No new step begins in the other modes, and no alert starts a run.
void ShowModeThatKeeps(const Overview& overview, const std::vector<Episode>& waiting) {
  if (overview.mode == "active" || (overview.unfinished_runs == 0 && waiting.empty())) return;
  OutLines({"no run goes on and no alert starts one in mode " + Printable(overview.mode) +
            "; to go on: mailhubctl mode set active"});
}

void ShowRun(const Run& run) {
  Out("\n");
  std::string line = ShortId(Printable(run.id)) + " " + Printable(run.runbook);
  if (!run.target.empty()) line += " " + Printable(run.target);
  line += ": " + Printable(run.state);
  if (const std::string standing = Standing(run); !standing.empty()) line += ", " + standing;
  OutLines({line});
  if (const std::string parameters = ParametersText(run, kListedParameter); !parameters.empty())
    OutLines({"  " + parameters});
  OutLines(AskedLines(run, Commands::kOfAll));
}

void ShowEpisodes(const std::vector<Episode>& episodes) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(episodes.size());
  for (const Episode& episode : episodes)
    rows.push_back({episode.fingerprint, episode.alertname, episode.state, ShortId(episode.run),
                    LocalTime(episode.decided_at), episode.trigger, episode.detail});
  OutTable({"FINGERPRINT", "ALERT", "STATE", "RUN", "DECIDED", "TRIGGER", "WHY"}, rows);
}

}  // namespace

int ShowStatus(ApiClient& api, Format format) {
  const auto data = api.Get("/api/v1/status");
  if (!data) return Complain(data.error());
  const auto overview = ParseOverview(*data);
  if (!overview) return Complain(overview.error());
  if (format == Format::kJson) return OutJson(*data);
  const auto runs_data =
      GetPages(api, "/api/v1/runs", {}, {.key = "runs", .cursor = "after", .limit = 10'000});
  if (!runs_data) return Complain(runs_data.error());
  const auto runs = ParseRuns(*runs_data);
  if (!runs) return Complain(runs.error());
  const auto episodes_data = api.Get("/api/v1/episodes");
  if (!episodes_data) return Complain(episodes_data.error());
  auto episodes = ParseEpisodes(*episodes_data);
  if (!episodes) return Complain(episodes.error());
  std::erase_if(*episodes, [](const Episode& episode) {
    return episode.state != "unanswered" && episode.state != "waiting" &&
           episode.state != "still_firing";
  });
  ShowOverview(*overview);
  ShowRefusedReload(*overview);
  ShowModeThatKeeps(*overview, *episodes);
  for (const Run& run : *runs)
    if (run.state != "finished") ShowRun(run);
  if (episodes->empty()) return 0;
  Out("\nAlerts that no run answers, or that wait; look with: mailhubctl alert explain "
      "FINGERPRINT\n");
  ShowEpisodes(*episodes);
  return 0;
}

int EpisodeList(ApiClient& api, Format format, const Filters& filters) {
  QueryPairs query;
  if (!filters.state.empty()) query.emplace_back("state", filters.state);
  if (!filters.alertname.empty()) query.emplace_back("alertname", filters.alertname);
  return Print(api.Get("/api/v1/episodes", query), format, ParseEpisodes, ShowEpisodes);
}

int EpisodeClose(ApiClient& api, Format format, const std::string& fingerprint,
                 const std::string& run, const std::string& reason) {
  return Print(
      api.Post("/api/v1/episodes/" + http::UrlEncode(fingerprint) + "/close",
               BodyJson({{"run", run}, {"reason", reason}, {"by", api.by()}})),
      format, [](const std::string& data) { return ParseField(data, "fingerprint"); },
      [](const std::string& closed) {
        Out("episode " + Printable(closed) +
            " is closed; its alert's next notification is decided afresh\n");
      });
}

}  // namespace mailhub::ctl
