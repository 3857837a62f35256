// See ahead_handlers.h.
#include "actuator/api/ahead_handlers.h"

#include <utility>

#include "actuator/api/answer.h"
#include "actuator/api/render.h"
#include "actuator/api/request.h"

namespace mailhub::api {
namespace {

using http::Request;
using http::Response;

constexpr Milliseconds kUsualSpan = std::chrono::days(14);
// 400 days by the clock on the wall, which may change in between.
constexpr Milliseconds kLongestSpan = std::chrono::days(401);
// Of all names together, so that an answer has a bounded length.
constexpr size_t kMostSpans = 5'000;

}  // namespace

Result<std::string> AheadHandlers::CalendarOf(const Request& request) {
  const auto since = QueryTime(request, "since");
  if (!since) return Fail(since.error());
  const auto until = QueryTime(request, "until");
  if (!until) return Fail(until.error());
  const WallTime now = clock_.Now();
  engine::Span within{since->value_or(now), {}};
  within.end = until->value_or(within.begin + kUsualSpan);
  if (within.end <= within.begin || within.end - within.begin > kLongestSpan)
    return Fail(
        ErrorKind::kInvalid,
        "until: expected a time after `since` (by default now), and at most 401 days after it");
  const auto calendar = backend_.Configuration().calendar;
  std::vector<engine::NamedTime> times;
  if (calendar != nullptr) times = calendar->List(within);
  size_t spans = 0;
  for (const engine::NamedTime& one : times) spans += one.spans.size();
  if (spans > kMostSpans)
    return Fail(ErrorKind::kInvalid, "until: the calendar's names hold " + std::to_string(spans) +
                                         " times in this span, and an answer has 5000 at most; "
                                         "ask for a shorter one");
  std::string data =
      CalendarData({now, within, calendar.get(), std::move(times)}, *backend_.Look());
  const bool is_long = data.size() > http::kLongAnswer && request.may_be_long;
  if (is_long && !request.may_be_long())
    return Fail(ErrorKind::kOverloaded, http::kTooManyLongAnswers);
  return data;
}

Response AheadHandlers::Calendar(const Request& request) {
  return Answer(CalendarOf(request));
}

Result<engine::StartView> AheadHandlers::StartOf(const engine::Plan& plan) {
  const std::unique_lock one(foreseeing_, std::try_to_lock);
  if (!one)
    return Fail(ErrorKind::kOverloaded, "another plan is looked at in this moment; ask again");
  return backend_.ForeseeStart(plan);
}

Response AheadHandlers::Plan(const Request& request) {
  const auto runbook = request.Query("runbook");
  if (!runbook || runbook->empty())
    return Answer(Fail(ErrorKind::kInvalid, "runbook: missing; which one is to be planned?"));
  const auto parameters = QueryParameters(request);
  if (!parameters) return Answer(Fail(parameters.error()));
  const auto plan = backend_.MakePlan(*runbook, *parameters);
  if (!plan) return Answer(Fail(plan.error()));
  return Answer(PlanWithStartData(*plan, StartOf(*plan)));
}

}  // namespace mailhub::api
