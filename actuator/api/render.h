// What the API says, as JSON text: the views, plans and events of the engine in the words of
// docs/openapi.yml. nlohmann/json stays in the .cc files and json_values.h. Text that is not UTF-8
// (a command's output) is replaced byte by byte, never refused.
#pragma once

#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/view.h"
#include "lib/base/clock.h"

namespace mailhub::api {

// All pure. `now` is what elapsed and remaining times count to.
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
// `open`: how many there are, shown or not.
std::string EpisodesData(const std::vector<const engine::EpisodeView*>& episodes, size_t open);
std::string StatusData(const std::string& version, const engine::View& view,
                       const ConfigurationState& configuration, bool ready, WallTime now);
// Of everything but the runs; the same text as long as nothing of it changed.
std::string ViewSummary(const engine::View& view);
std::string StartedData(const std::string& run);

// The envelope around them.
std::string Success(const std::string& data);
std::string Failure(const std::string& error_type, const std::string& message);

// "2026-11-23T16:11:35.123Z".
std::string FormatUtc(WallTime time);

}  // namespace mailhub::api
