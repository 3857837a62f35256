// The API's JSON text for the engine's views, plans and events, as docs/openapi.yml describes it.
// nlohmann/json stays in the .cc files and json_values.h. Bytes that are not UTF-8 (a command's
// output) are replaced one by one, never refused.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/api/receivers.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/view.h"
#include "lib/base/clock.h"

namespace mailhub::api {

// All pure. Elapsed and remaining times are relative to `now`.
std::string RunSummary(const engine::RunView& run, WallTime now);
std::string RunData(const engine::RunView& run, WallTime now);
std::string EventText(const engine::Event& event);
std::string AlertText(const engine::PastAlert& alert);
std::string PastRunText(const engine::PastRun& run);
std::string ReportedRunText(const engine::ReportedRun& report);
std::string PlanData(const engine::Plan& plan);
std::string PlanWithStartData(const engine::Plan& plan, const Result<engine::StartView>& start);
struct CalendarLook {
  WallTime now;
  engine::Span within;
  const engine::Calendar* calendar = nullptr;  // null: none is configured
  std::vector<engine::NamedTime> times;        // of `within`
};
// With all unfinished runs.
std::string CalendarData(const CalendarLook& look, const engine::View& view);
// `only_ifs`: what Prometheus says of each now. `left_out`: alerts that the notification lacks.
// `person`: who asks; its `by`, `login` and `roles` count, as in the next one.
std::string TrialsData(const std::vector<engine::AlertTrial>& trials,
                       const std::map<std::string, engine::QueryReading>& only_ifs,
                       uint64_t left_out, const engine::Command& person);
std::string LivePlanData(const engine::LivePlan& live, const engine::Command& person);
std::string ModeData(engine::Mode mode);
std::string ReceiversData(const std::vector<ReceiverStatus>& receivers);
std::string ReceiverAnswerData(const std::string& name, const ReceiverAnswer& answer);
std::string TakeoverData(const std::string& host);
std::string ClosedData(const std::string& fingerprint);
// `open`: the number of all open episodes, shown or not.
std::string EpisodesData(const std::vector<const engine::EpisodeView*>& episodes, size_t open);
std::string StatusData(const std::string& version, const engine::View& view,
                       const ConfigurationState& configuration, bool ready, WallTime now);
// The view without its runs; the same text as long as nothing in it changes.
std::string ViewSummary(const engine::View& view);
std::string StartedData(const std::string& run);

// A list that grows item by item, as text: the past may be long, and an answer is not.
class Page {
 public:
  // Of `most` items at most, and of 1 MiB of text, whichever ends first; one item in any case.
  // `may_be_long`: asked when it becomes a long answer, as http::Request says.
  Page(const char* name, size_t most, std::function<bool()> may_be_long);
  // False when it is full, so that there is more than the page has, or when it may not be long.
  // `cursor`: JSON that says where the next page begins, if this is the last item.
  bool Add(std::string cursor, const std::string& item);
  bool Add(uint64_t seq, const std::string& item) { return Add(std::to_string(seq), item); }
  // A further field beside the list, as JSON.
  void Say(const char* name, const std::string& json) {
    said_.append(",\"").append(name).append("\":").append(json);
  }
  // {"NAME": [...], "next": where the next page begins, or null when there is no more}.
  // `unseen`: where to go on though the page is not full; 0: nowhere. kOverloaded when it may not be
  // long.
  Result<std::string> Take(uint64_t unseen = 0);

 private:
  const size_t most_;
  std::function<bool()> may_be_long_;  // null once it was asked
  bool refused_ = false;
  size_t items_ = 0;
  std::string last_;
  bool more_ = false;
  std::string text_;
  std::string said_;
};

// The envelope around them.
std::string Success(std::string data);
std::string Failure(const std::string& error_type, const std::string& message);

// "2026-11-23T16:11:35.123Z".
std::string FormatUtc(WallTime time);

}  // namespace mailhub::api
