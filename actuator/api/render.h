// The API's JSON text for the engine's views, plans and events, as docs/openapi.yml describes it.
// nlohmann/json stays in the .cc files and json_values.h. Bytes that are not UTF-8 (a command's
// output) are replaced one by one, never refused.
#pragma once

#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/view.h"
#include "lib/base/clock.h"

namespace mailhub::api {

// All pure. Elapsed and remaining times are relative to `now`.
std::string RunsData(const std::vector<const engine::RunView*>& runs, WallTime now);
std::string RunSummary(const engine::RunView& run, WallTime now);
std::string RunData(const engine::RunView& run, WallTime now);
std::string EventsData(const std::vector<engine::Event>& events);
std::string AlertsData(const std::vector<PastAlert>& alerts);
std::string HistoryData(const std::vector<PastRun>& runs);
std::string PlanData(const engine::Plan& plan);
std::string ModeData(engine::Mode mode);
std::string TakeoverData(const std::string& host);
std::string ClosedData(const std::string& fingerprint);
// `open`: the number of all open episodes, shown or not.
std::string EpisodesData(const std::vector<const engine::EpisodeView*>& episodes, size_t open);
std::string StatusData(const std::string& version, const engine::View& view,
                       const ConfigurationState& configuration, bool ready, WallTime now);
// The view without its runs; the same text as long as nothing in it changes.
std::string ViewSummary(const engine::View& view);
std::string StartedData(const std::string& run);

// The envelope.
std::string Success(const std::string& data);
std::string Failure(const std::string& error_type, const std::string& message);

// "2026-11-23T16:11:35.123Z".
std::string FormatUtc(WallTime time);

}  // namespace mailhub::api
