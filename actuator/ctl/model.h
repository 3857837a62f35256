// mailhubctl's model of the API's answers. Plain strings, because a newer actuator may use words
// that this program does not know. nlohmann/json stays in the .cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::ctl {

struct Gate {
  std::string state;
  std::optional<double> value;
  std::optional<double> threshold;
  std::string comparison;
  std::string why;
};

struct Step {
  std::string path;
  std::string name;
  std::string kind;
  std::string host;
  bool always = false;
  std::string phase;
  std::string result;  // empty: none yet
  int attempt = 0;
  std::optional<double> elapsed_s;
  std::optional<Gate> gate;
  std::string detail;
  std::string expr;
  std::string command;
  std::string output;
  std::optional<int> exit_status;
};

struct Hold {
  int number = 0;
  std::string path;
  std::string step;
  std::string reason;
  std::string detail;
  std::string since;
  std::vector<std::string> answers = {};  // verbs that it accepts now
  bool dead_man = false;                  // it is about the step's dead man, not about the step
};

// A pause by a person.
struct Pause {
  int number = 0;
  std::string by, reason, since;
};

// The question of a step that waits for a person.
struct Question {
  std::string path;
  int attempt = 1;
  std::string step;
  std::string text;
  std::string whom = {};   // who may answer; empty: everybody who may confirm
  std::string until = {};  // end of its time
  std::string since = {};
};

struct DeadMan {
  std::string path;
  std::string step;
  std::string host;
  std::string state;
  double after_s = 0;
  std::optional<double> confirmed_s_ago;
  std::string trouble;
};

// Times are RFC 3339 in UTC, empty when there is none.
struct Run {
  std::string id;
  std::string runbook;
  std::string summary;
  std::string target;
  std::map<std::string, std::string> parameters;
  std::string by;
  std::string trigger;
  std::string state;
  std::string waiting_for;
  std::string starts_at;   // by the calendar
  std::string unsuitable;  // why this is no longer a suitable time
  std::string at_once;     // why a person did not let it wait for one
  std::vector<Hold> holds;
  std::optional<Pause> pause;
  std::optional<Question> asks;
  std::string result;
  std::string result_detail;
  std::string queued_at;
  std::string started_at;
  std::string finished_at;
  std::optional<double> elapsed_s;
  std::string eta;
  std::optional<double> remaining_s;
  std::optional<double> eta_passed_s;
  bool overdue = false;
  int steps_done = 0;
  int steps_total = 0;
  std::optional<Step> current;
  std::vector<Step> steps;        // of a single run only
  std::vector<DeadMan> dead_men;  // as well
};

struct PastRun {
  std::string id, runbook, target, by, result, detail, queued_at, started_at, finished_at;
  std::optional<double> duration_s;
};

// What a person did to a run, and how often.
struct Act {
  std::string by, verb;
  int times = 0;
};

struct ReportedRun {
  PastRun past;
  std::optional<double> waited_s, worked_s;
  std::map<std::string, int> holds;  // by reason
  std::vector<Act> acted;
  int acted_more = 0;  // acts beyond those in `acted`
};

struct AlertRecord {
  uint64_t seq = 0;
  std::string at, notification, fingerprint, alertname, status, starts_at, trigger, decision,
      detail, run;
  std::map<std::string, std::string> labels;
};

struct Episode {
  std::string fingerprint, alertname, trigger, run, state, decided_at, detail;
};

struct ReceiverRow {
  std::string name, format, where, trouble, last_success;
  std::vector<std::string> events;
  std::optional<bool> up;  // nothing: not tried since the actuator's start
  uint64_t pending = 0;
  uint64_t sent = 0;
  uint64_t dropped = 0;  // for any reason
};
struct ReceiverReply {
  std::string receiver, body;
  bool taken = false;
  int status = 0;
  double seconds = 0;
};

struct Overview {
  std::string version, mode;
  uint64_t epoch = 0;
  bool ready = false;
  bool queue_blocked_by_hold = false;
  int unfinished_runs = 0;
  int holds = 0;
  int questions = 0;
  int pauses = 0;
  int open_episodes = 0;
  int unanswered_alerts = 0;
  int still_firing_alerts = 0;
  std::vector<std::pair<std::string, int>> dead_men;  // counts by state
  std::string configuration_since;
  std::string reload_refused_at;  // empty: the last reload was not refused
  std::string reload_refused_why;
};

struct PlannedStep {
  std::string path, name, kind, host, command, on_failure, restore, since, until;
  std::string expr;
  std::vector<std::string> about;
  double window_s = 0;
  double for_s = 0;
  double gate_timeout_s = 0;
  double timeout_s = 0;
  double restore_after_s = 0;
  int attempts = 1;
};

// When a run would start that is not queued yet.
struct Start {
  std::string unknown;      // why nothing of it is known; else empty
  std::string refused;      // why a request to start it would be refused
  bool now = false;         // it starts at once
  std::string starts_at;    // as Run::starts_at
  std::string waiting_for;  // as Run::waiting_for
  double reserved_s = 0;    // 0: unknown
  std::string reserved_from;
};

struct Plan {
  std::string runbook, summary, target, commit;
  std::vector<std::string> locks;
  double expected_s = 0;
  std::vector<std::string> windows, blackouts;
  std::optional<Start> start;  // nothing: the answer does not say it
  std::vector<PlannedStep> steps;
  std::vector<PlannedStep> always;
};

// One line of a run's log: all fields of the event except its plan.
struct LogEntry {
  uint64_t seq = 0;
  std::string at;
  std::string kind;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string output;
};

// All take the envelope's `data`. kInvalid when it has an unknown form.
Result<std::vector<Run>> ParseRuns(const std::string& data);
Result<Run> ParseRun(const std::string& data);
Result<std::vector<PastRun>> ParseHistory(const std::string& data);
Result<std::vector<ReportedRun>> ParseReport(const std::string& data);
// "wholeFrom" of a report: "" when it is null; nothing when there is no such field.
Result<std::optional<std::string>> ParseWholeFrom(const std::string& data);
Result<std::vector<AlertRecord>> ParseAlerts(const std::string& data);
Result<std::vector<Episode>> ParseEpisodes(const std::string& data);
Result<std::vector<ReceiverRow>> ParseReceivers(const std::string& data);
Result<ReceiverReply> ParseReceiverReply(const std::string& data);
Result<Overview> ParseOverview(const std::string& data);
Result<Plan> ParsePlan(const std::string& data);
Result<std::vector<LogEntry>> ParseEvents(const std::string& data);
// Of a list that comes in pages: how many items this one has, and where the next begins.
struct Page {
  size_t items = 0;
  std::optional<std::string> next = {};  // nothing: there is no more, or the actuator does not say
};
Result<Page> ParsePage(const std::string& data, const char* key);
// The last page with the items of all.
Result<std::string> JoinPages(const std::vector<std::string>& pages, const char* key);
// Each item of the list as one line of JSON, ASCII only.
Result<std::vector<std::string>> ItemsOf(const std::string& data, const char* key);
// One string of the object: the run that was started, the mode.
Result<std::string> ParseField(const std::string& data, const std::string& field);

// The envelope: `data` as text, or its error with the kind that the error's type names.
Result<std::string> OpenEnvelope(int status, std::string_view body);

// Indented JSON, ASCII only.
Result<std::string> PrettyJson(const std::string& data);

// What `waiting` prints as JSON: texts by name, an empty one as null, and the commands.
struct WaitingJson {
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::string> commands;
};
std::string ListOf(const std::vector<WaitingJson>& waiting);

// A JSON object of strings, for request bodies; `parameters` only when not null. Of `numbers`, only
// those that are not 0. `set`: keys whose value is true.
std::string BodyJson(const std::vector<std::pair<std::string, std::string>>& fields,
                     const std::map<std::string, std::string>* parameters = nullptr,
                     const std::vector<std::pair<std::string, int>>& numbers = {},
                     const std::vector<std::string>& set = {});

}  // namespace mailhub::ctl
