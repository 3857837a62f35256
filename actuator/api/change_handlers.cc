// A verb names what its person saw, because the run may have reached another question since.
#include "actuator/api/change_handlers.h"

#include <string_view>
#include <utility>

#include "actuator/api/answer.h"
#include "actuator/api/denied.h"
#include "actuator/api/find_run.h"
#include "actuator/api/render.h"

namespace mailhub::api {
namespace {

using engine::Verb;
using http::Request;
using http::Response;

constexpr size_t kLongestId = 64;
constexpr std::string_view kRunsPath = "/api/v1/runs/";
constexpr std::string_view kHostsPath = "/api/v1/hosts/";
constexpr std::string_view kEpisodesPath = "/api/v1/episodes/";
constexpr std::string_view kReceiversPath = "/api/v1/receivers/";
constexpr std::string_view kHexDigits = "0123456789abcdef";
// The characters that the site file allows in a host's name.
constexpr std::string_view kHostCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

// A logged-in name is proven; the field `by` is only a claim, which the token's holder may make.
std::string By(const Author& user, const ChangeBody& body) {
  if (!user.login.empty()) return user.login;
  return body.by.empty() ? "api" : body.by;
}

// The part of the path between `begin` and `end`; empty for another path.
std::string Named(const std::string& path, std::string_view begin, std::string_view end) {
  if (path.size() <= begin.size() + end.size() || !path.ends_with(end)) return "";
  std::string name = path.substr(begin.size(), path.size() - begin.size() - end.size());
  return name.size() > kLongestId ? "" : name;
}

// The body keys of each verb.
Result<ChangeBody> ParseVerbBody(const Request& request, Verb verb) {
  switch (verb) {
    case Verb::kConfirm:
      return ParseChange(request, {"step", "attempt", "reason", "by"});
    case Verb::kResume:
      return ParseChange(request, {"hold", "pause", "reason", "by"});
    case Verb::kRetry:
    case Verb::kSkip:
    case Verb::kResolve:
      return ParseChange(request, {"hold", "reason", "by"});
    case Verb::kStart:
    case Verb::kPause:
    case Verb::kCancel:
      break;
  }
  return ParseChange(request, {"reason", "by"});
}

}  // namespace

ChangeHandlers::ChangeHandlers(Backend& backend, const std::string& token_file, RolesByLogin roles,
                               Receivers* receivers)
    : backend_(backend), guard_(token_file, std::move(roles)), receivers_(receivers) {}

std::optional<Response> ChangeHandlers::Denied(const Request& request, Author* who,
                                               engine::Role needed) {
  return api::Denied(guard_, request, who, needed);
}

Response ChangeHandlers::Submit(Ask what) {
  const auto run = backend_.Submit(std::move(what));
  if (!run) return Answer(Fail(run.error()));
  return Answer(StartedData(*run));
}

Response ChangeHandlers::StartRun(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const auto body = ParseChange(request, {"runbook", "parameters", "now", "reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->runbook.empty())
    return Answer(Fail(ErrorKind::kInvalid, "runbook: missing; which one is to be started?"));
  engine::Command command;
  command.verb = Verb::kStart;
  command.by = By(user, *body);
  command.detail = body->reason;
  command.runbook = body->runbook;
  command.parameters = body->parameters;
  command.at_once = body->now;
  command.login = !user.login.empty();
  command.roles = user.roles;
  return Submit(std::move(command));
}

Status ChangeHandlers::SaysWhatItAnswers(Verb verb, const std::string& run,
                                         const ChangeBody& body) {
  if (verb == Verb::kConfirm && body.step.empty())
    return Fail(ErrorKind::kInvalid,
                "step: missing; send the path of the step whose question was read, as \"step\" "
                "(\"asks\".\"path\" of GET /api/v1/runs/ID)");
  if (verb == Verb::kConfirm && body.attempt == 0)
    return Fail(ErrorKind::kInvalid,
                "attempt: missing; send the attempt of the step whose question was read "
                "(\"asks\".\"attempt\" of GET /api/v1/runs/ID)");
  bool about_a_hold = verb == Verb::kRetry || verb == Verb::kSkip || verb == Verb::kResolve;
  if (verb == Verb::kResume) {
    // A run that is only paused has no hold. The engine refuses a run that this view does not show
    // yet.
    const auto view = backend_.Look();
    const auto found = FindRun(*view, run);
    if (!found) return Fail(found.error());
    about_a_hold = *found != nullptr && !(*found)->holds.empty() && body.pause == 0;
    if (body.hold != 0 && body.pause != 0)
      return Fail(ErrorKind::kInvalid,
                  "hold, pause: send the number of what this answers, not both");
    const bool paused = *found != nullptr && (*found)->pause && !about_a_hold;
    if (paused && body.pause == 0 && body.hold == 0)
      return Fail(ErrorKind::kInvalid,
                  "pause: missing; send the number of the pause that this lifts "
                  "(\"pause\".\"number\" of GET /api/v1/runs/ID)");
  }
  if (about_a_hold && body.hold == 0)
    return Fail(ErrorKind::kInvalid,
                "hold: missing; send the number of the hold that this answers "
                "(\"number\" in \"holds\" of GET /api/v1/runs/ID)");
  const bool judges = verb == Verb::kSkip || verb == Verb::kResolve;
  if (judges && body.reason.empty())
    return Fail(ErrorKind::kInvalid,
                std::string("reason: missing; to ") + Name(verb) +
                    " a step is a judgement the journal must be able to explain");
  return {};
}

Response ChangeHandlers::ActOnRun(const Request& request) {
  Author user;
  const bool confirms = request.path.ends_with("/confirm");
  if (auto denied =
          Denied(request, &user, confirms ? engine::Role::kApprover : engine::Role::kOperator)) {
    return *denied;
  }
  const std::string rest = request.path.substr(kRunsPath.size());
  const size_t slash = rest.find('/');
  const auto verb =
      slash == std::string::npos ? std::nullopt : ParseRunVerb(rest.substr(slash + 1));
  if (!verb || slash == 0 || slash > kLongestId)
    return Answer(Fail(ErrorKind::kNotFound,
                       "no such action; expected /api/v1/runs/ID/ and one of pause, resume, "
                       "confirm, cancel, retry, skip, resolve"));
  const auto body = ParseVerbBody(request, *verb);
  if (!body) return Answer(Fail(body.error()));
  engine::Command command;
  command.verb = *verb;
  command.by = By(user, *body);
  command.run = rest.substr(0, slash);
  command.detail = body->reason;
  command.hold = body->hold;
  command.pause = body->pause;
  command.step = body->step;
  command.attempt = body->attempt;
  command.login = !user.login.empty();
  command.roles = user.roles;
  if (auto said = SaysWhatItAnswers(*verb, command.run, *body); !said)
    return Answer(Fail(said.error()));
  return Submit(std::move(command));
}

Response ChangeHandlers::SetMode(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const auto body = ParseChange(request, {"mode", "by"});
  if (!body) return Answer(Fail(body.error()));
  const auto mode = ParseMode(body->mode);
  if (!mode) return Answer(Fail(mode.error()));
  const auto done = backend_.Submit(engine::SetMode{*mode, By(user, *body)});
  if (!done) return Answer(Fail(done.error()));
  return Answer(ModeData(*mode));
}

Response ChangeHandlers::TakeOver(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const std::string host = Named(request.path, kHostsPath, "/takeover");
  if (host.empty())
    return Answer(Fail(ErrorKind::kNotFound, "no such page; expected /api/v1/hosts/HOST/takeover"));
  // Checked here because it is recorded before the site file is searched for it.
  if (host.find_first_not_of(kHostCharacters) != std::string::npos)
    return Answer(Fail(ErrorKind::kNotFound, "no host has such a name"));
  const auto body = ParseChange(request, {"reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->reason.empty())
    return Answer(Fail(ErrorKind::kInvalid,
                       "reason: missing; another actuator may be at work on that host, and the "
                       "journal must be able to explain why it no longer may be"));
  const auto done = backend_.Submit(engine::TakeOver{host, By(user, *body), body->reason});
  if (!done) return Answer(Fail(done.error()));
  return Answer(TakeoverData(host));
}

Response ChangeHandlers::CloseEpisode(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const std::string named = Named(request.path, kEpisodesPath, "/close");
  if (named.empty() || named.find_first_not_of(kHexDigits) != std::string::npos)
    return Answer(Fail(ErrorKind::kNotFound,
                       "no such page; expected /api/v1/episodes/FINGERPRINT/close, and a "
                       "fingerprint has hexadecimal digits only"));
  const auto body = ParseChange(request, {"run", "reason", "by"});
  if (!body) return Answer(Fail(body.error()));
  if (body->reason.empty())
    return Answer(Fail(ErrorKind::kInvalid,
                       "reason: missing; the alert may start another run afterwards, and the "
                       "journal must be able to explain why"));
  if (body->run.empty())
    return Answer(Fail(ErrorKind::kInvalid,
                       "run: missing; send the id of the run that has left the alert unanswered"));
  const auto view = backend_.Look();
  const auto fingerprint = FindEpisode(*view, named);
  if (!fingerprint) return Answer(Fail(fingerprint.error()));
  const auto done =
      backend_.Submit(engine::CloseEpisode{*fingerprint, body->run, By(user, *body), body->reason});
  if (!done) return Answer(Fail(done.error()));
  return Answer(ClosedData(*fingerprint));
}

Response ChangeHandlers::TestReceiver(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const std::string name = Named(request.path, kReceiversPath, "/test");
  if (name.empty())
    return Answer(Fail(ErrorKind::kNotFound, "no such page; expected /api/v1/receivers/NAME/test"));
  const auto body = ParseChange(request, {"by"});
  if (!body) return Answer(Fail(body.error()));
  if (receivers_ == nullptr)
    return Answer(Fail(ErrorKind::kNotFound, "no receivers are configured"));
  const auto answer = receivers_->Test(name);
  if (!answer) return Answer(Fail(answer.error()));
  return Answer(ReceiverAnswerData(name, *answer));
}

Response ChangeHandlers::Reload(const Request& request) {
  Author user;
  if (auto denied = Denied(request, &user)) return *denied;
  const Status done = backend_.Reload();
  if (!done) return Answer(Fail(done.error()));
  return Answer(std::string("null"));
}

}  // namespace mailhub::api
