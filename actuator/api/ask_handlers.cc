// See ask_handlers.h.
#include "actuator/api/ask_handlers.h"

#include <chrono>
#include <map>
#include <utility>

#include "actuator/api/answer.h"
#include "actuator/api/denied.h"
#include "actuator/api/render.h"
#include "actuator/api/request.h"
#include "actuator/webhook/notification.h"

namespace mailhub::api {
namespace {

using http::Request;
using http::Response;

// What an answer may take. A query that was begun by then may still take its own time.
constexpr std::chrono::seconds kLongestAsking{4};
constexpr size_t kMostAsked = 20;

Response Busy(const char* what) {
  return Answer(Fail(ErrorKind::kOverloaded,
                     std::string("another ") + what + " is under way; ask again later"));
}

// Each `only_if` of an alert that fires, asked once. Of what is not asked it is not known.
std::map<std::string, engine::QueryReading> AskOnlyIfs(
    const std::vector<engine::AlertTrial>& trials, Backend& backend) {
  std::map<std::string, engine::QueryReading> readings;
  const auto end = std::chrono::steady_clock::now() + kLongestAsking;
  for (const engine::AlertTrial& trial : trials) {
    if (trial.only_if.empty() || !trial.decided.firing || readings.contains(trial.only_if)) {
      continue;
    }
    if (readings.size() >= kMostAsked || std::chrono::steady_clock::now() >= end) {
      readings[trial.only_if].holds =
          Fail(ErrorKind::kUnreachable, "not asked: too many conditions for one answer");
    } else {
      readings[trial.only_if] = backend.AskPrometheus(trial.only_if);
    }
  }
  return readings;
}

// A logged-in name is proven; `by` is only a claim.
engine::Command PersonOf(const Author& user, const std::string& by) {
  engine::Command person;
  person.login = !user.login.empty();
  person.by = person.login ? user.login : by.empty() ? "api" : by;
  person.roles = user.roles;
  return person;
}

}  // namespace

AskHandlers::AskHandlers(Backend& backend, const std::string& token_file, RolesByLogin roles)
    : backend_(backend), guard_(token_file, std::move(roles)) {}

Response AskHandlers::TestAlerts(const Request& request) {
  Author user;
  if (auto denied = Denied(guard_, request, &user)) return *denied;
  if (!SaysJson(request))
    return Answer(Fail(ErrorKind::kInvalid, "the content type must be application/json"));
  const std::unique_lock one(testing_, std::try_to_lock);
  if (!one) return Busy("test of alerts");
  auto notification = webhook::ParseNotification(request.body);
  if (!notification) {
    const bool too_large = notification.error().kind == ErrorKind::kRefused;
    return Answer(Fail(too_large ? ErrorKind::kInvalid : notification.error().kind,
                       notification.error().message));
  }
  const uint64_t left_out = notification->truncated;
  notification->id = "test";
  const auto trials = backend_.Try(*std::move(notification));
  if (!trials) return Answer(Fail(trials.error()));
  return Answer(TrialsData(*trials, AskOnlyIfs(*trials, backend_), left_out, PersonOf(user, "")));
}

Response AskHandlers::CheckPlan(const Request& request) {
  Author user;
  if (auto denied = Denied(guard_, request, &user)) return *denied;
  const auto body = ParseChange(request, {"runbook", "parameters", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->runbook.empty())
    return Answer(Fail(ErrorKind::kInvalid, "runbook: missing; which one is to be planned?"));
  const std::unique_lock one(checking_, std::try_to_lock);
  if (!one) return Busy("look at a plan's hosts");
  const auto live = backend_.CheckPlan(body->runbook, body->parameters);
  if (!live) return Answer(Fail(live.error()));
  return Answer(LivePlanData(*live, PersonOf(user, body->by)));
}

}  // namespace mailhub::api
