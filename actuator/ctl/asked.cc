// The commands that ask what would happen: `alert test` and `run plan --live`.
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "actuator/ctl/asked_model.h"
#include "actuator/ctl/commands.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/run_text.h"
#include "actuator/ctl/text.h"
#include "lib/base/counted.h"
#include "lib/config/yaml.h"

namespace mailhub::ctl {
namespace {

// The actuator reads no longer body.
constexpr size_t kLongestFile = size_t{1} << 20;
constexpr Milliseconds kTestTimeout{30'000};
constexpr Milliseconds kCheckTimeout{90'000};  // many gates may each take a query's time

bool IsFile(const std::string& which) {
  return which == "-" || which.find('/') != std::string::npos || which.ends_with(".json");
}

Result<std::string> ReadStandardInput() {
  std::string text;
  std::array<char, 65536> part{};
  for (ssize_t got = 0; (got = read(STDIN_FILENO, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<size_t>(got));
    if (text.size() > kLongestFile) {
      return Fail(ErrorKind::kInvalid, "standard input: longer than 1 MiB");
    }
  }
  return text;
}

std::string NowUtc() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string PassedText(const PassedTrigger& passed) {
  const std::string has = passed.value ? "the alert has \"" + Printable(*passed.value) + "\""
                                       : std::string("the alert has no such label");
  return Printable(passed.trigger) + ": " + Printable(passed.label) + Printable(passed.sign) +
         "\"" + Printable(passed.expected) + "\" does not match, " + has;
}

std::string PersonText(const std::optional<Person>& person) {
  if (!person) return "you";
  return Printable(person->name) + (person->login ? "" : " (a name that is only claimed)");
}

// Whether the person may say yes to each question of the run.
std::vector<std::string> QuestionLines(const std::vector<AnswerRight>& questions,
                                       const std::optional<Person>& person) {
  std::vector<std::string> lines;
  for (const AnswerRight& one : questions) {
    lines.push_back("question " + Printable(one.path) + " (" + Printable(one.question) + "): " +
                    PersonText(person) + (one.may ? " may answer it" : " may not answer it") +
                    (one.why.empty() ? "" : ": " + Printable(one.why)) +
                    (one.may && !one.whom.empty() ? "; who may: " + Printable(one.whom) : ""));
  }
  return lines;
}

std::vector<std::string> TrialLines(const Trial& trial, const std::optional<Person>& person) {
  std::vector<std::string> lines = {Printable(trial.alertname) + " " + Printable(trial.status) +
                                    " (" + Printable(trial.fingerprint) +
                                    "): " + Printable(trial.decision)};
  if (!trial.detail.empty()) lines.push_back("    " + Printable(trial.detail));
  if (!trial.run.empty()) lines.push_back("    run " + Printable(trial.run));
  lines.push_back("    trigger " + (trial.trigger.empty() ? "none" : Printable(trial.trigger)));
  for (const PassedTrigger& passed : trial.passed) lines.push_back("    not " + PassedText(passed));
  if (trial.parameters) {
    std::string text;
    for (const auto& [name, value] : *trial.parameters) {
      text += " " + Printable(name) + "=" + Printable(value);
    }
    lines.push_back("    parameters:" + (text.empty() ? " none" : text));
  }
  if (trial.new_run) {
    for (const std::string& line : StartLines(trial.start)) lines.push_back("    " + line);
    for (const std::string& line : QuestionLines(trial.questions, person)) {
      lines.push_back("    " + line);
    }
  }
  if (trial.only_if.empty()) return lines;
  const std::string now = !trial.holds   ? "not known whether it holds now: " + Printable(trial.why)
                          : *trial.holds ? "holds now"
                                         : "does not hold now: a run would be dropped";
  lines.push_back("    only_if " + Printable(trial.only_if) + ": " + now);
  return lines;
}

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string GateText(const LiveGate& gate) {
  std::string text = Printable(gate.path) + "  " + Printable(gate.step) + ": now ";
  if (gate.now.value) text += Short(*gate.now.value) + ", ";
  if (gate.now.threshold) {
    text += "wants " + Printable(gate.now.comparison) + " " + Short(*gate.now.threshold) + ", ";
  }
  text += Printable(gate.now.state);
  return gate.now.why.empty() ? text : text + ": " + Printable(gate.now.why);
}

std::vector<std::string> HostLines(const LiveHost& host) {
  std::vector<std::string> lines = {Printable(host.host) + ":"};
  for (const HostFact& fact : host.facts) {
    lines[0] += (lines[0].ends_with(':') ? " " : ", ") + Printable(fact.about) + " " +
                Printable(fact.known);
    if (!fact.why.empty()) {
      lines.push_back("    " + Printable(fact.about) + ": " + Printable(fact.why));
    }
  }
  return lines;
}

std::string LockText(const LiveLock& lock) {
  return "lock " + Printable(lock.lock) + ": " +
         (lock.run.empty() ? "free"
                           : "run " + ShortId(Printable(lock.run)) + " (" +
                                 Printable(lock.runbook) + ") has it, " + Printable(lock.state));
}

void ShowFindings(const char* title, const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  Out(std::string("\n") + title + ":\n");
  for (const Finding& one : findings) {
    OutLines({"  " + Printable(one.about) + ": " + Printable(one.what) +
              (one.remedy.empty() ? "" : ". To do: " + Printable(one.remedy))});
  }
}

void ShowLivePlan(const LivePlan& live) {
  ShowPlan(live.plan);
  Out("\nConditions as they are now, before any step (the run waits for newer evidence):\n");
  if (live.gates.empty()) Out("  none\n");
  for (const LiveGate& gate : live.gates) OutLines({"  " + GateText(gate)});
  Out("\nHosts:\n");
  if (live.hosts.empty()) Out("  none\n");
  for (const LiveHost& host : live.hosts) {
    for (const std::string& line : HostLines(host)) OutLines({"  " + line});
  }
  Out("\nmode " + Printable(live.mode) + "\n");
  for (const LiveLock& lock : live.locks) Out(LockText(lock) + "\n");
  OutLines(StartLines(live.start));
  if (live.person) {
    OutLines({PersonText(live.person) + (live.person->may_start
                                             ? " may start it"
                                             : " may not start it: that needs the role operator")});
  }
  OutLines(QuestionLines(live.questions, live.person));
  for (const Cooldown& one : live.cooldowns) {
    Out("trigger " + Printable(one.trigger) + " would wait for " + ElapsedText(one.left_s) +
        " more, since run " + ShortId(Printable(one.run)) + "; a person may start it\n");
  }
  ShowFindings("Not known", live.unknowns);
  ShowFindings("Obstacles", live.obstacles);
  if (live.obstacles.empty() && live.unknowns.empty()) {
    const bool waits = live.start && !live.start->now;
    Out(waits ? "\nNothing is in the way but that it would wait, as said above.\n"
              : "\nNothing is in the way now.\n");
  }
  Out("\nNothing was changed.\n");
}

}  // namespace

int AlertTest(ApiClient& api, Format format, const AlertQuestion& question) {
  std::string body;
  if (IsFile(question.which)) {
    if (!question.labels.empty() || question.resolved) {
      return Complain({ErrorKind::kInvalid,
                       "labels and --resolved go with an alert's name, and " + question.which +
                           " is taken for a file: it is -, has a / or ends in .json"});
    }
    auto read = question.which == "-" ? ReadStandardInput()
                                      : config::ReadFile(question.which, kLongestFile);
    if (!read) return Complain(read.error());
    body = *std::move(read);
  } else {
    Parameters labels = question.labels;
    labels["alertname"] = question.which;
    body = NotificationJson(labels, !question.resolved, NowUtc());
  }
  return Print(api.Ask("/api/v1/alerts/test", body, kTestTimeout), format, ParseTrials,
               [](const Trials& trials) {
                 for (const Trial& trial : trials.alerts)
                   OutLines(TrialLines(trial, trials.person));
                 if (trials.left_out > 0) {
                   Out(Counted(trials.left_out, "alert") +
                       " more: Alertmanager left them out (max_alerts)\n");
                 }
                 Out("Nothing was changed.\n");
               });
}

int RunCheck(ApiClient& api, Format format, const std::string& runbook,
             const Parameters& parameters) {
  const auto data =
      api.Ask("/api/v1/plan/check", BodyJson({{"runbook", runbook}, {"by", api.by()}}, &parameters),
              kCheckTimeout);
  const int status = Print(data, format, ParseLivePlan, ShowLivePlan);
  if (status != 0) return status;
  const auto live = ParseLivePlan(*data);
  if (!live || (live->obstacles.empty() && live->unknowns.empty())) return 0;
  return Complain({ErrorKind::kRefused, Counted(live->obstacles.size(), "obstacle") + ", and " +
                                            std::to_string(live->unknowns.size()) + " not known"});
}

}  // namespace mailhub::ctl
