// The action of each mailhubctl command. Each returns the program's exit status; when that is not
// 0, the reason is already on standard error.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "actuator/ctl/api_client.h"

namespace mailhub::ctl {

enum class Format { kTable, kJson, kCsv };

struct Filters {
  std::string state, runbook, target, result, alertname, fingerprint, decision, run;
  int limit = 100;
  uint64_t before = 0;     // 0: the newest
  std::string after = "";  // of runs: where a page of the list ended
};

using Parameters = std::map<std::string, std::string>;

struct Plan;

// The alerts of a file ("-": standard input), or one that is made up.
struct AlertQuestion {
  std::string which;  // a file or an alert's name
  Parameters labels;  // of the alert with that name
  bool resolved = false;
};

// All that waits for a person: since when, and what to type.
int ShowWaiting(ApiClient& api, Format format);
int RunList(ApiClient& api, Format format, const Filters& filters);
int RunShow(ApiClient& api, Format format, const std::string& run);
// `after`: only what is younger than that event; 0: everything.
int RunLog(ApiClient& api, Format format, const std::string& run, uint64_t after);
struct FollowOptions {
  uint64_t after = 0;  // as above
  Milliseconds interval{1'000};
  Milliseconds give_up_after{60'000};  // how long the actuator may be unreachable
};
// Shows each event once, in their order, until the run is over; JSON as one line for each. A restart
// of the actuator in between loses and repeats nothing. If it ends early, its error says how to go
// on.
int FollowLog(ApiClient& api, Format format, const std::string& run, const FollowOptions& options);
// What the plan meets now. Status 1 also if it has obstacles, or something is not known.
int RunCheck(ApiClient& api, Format format, const std::string& runbook,
             const Parameters& parameters);
int RunPlan(ApiClient& api, Format format, const std::string& runbook,
            const Parameters& parameters);
// `now`: at any time, suitable or not. Puts the new run's id into *run.
int RunStart(ApiClient& api, Format format, const std::string& runbook,
             const Parameters& parameters, const std::string& reason, bool now, std::string* run);
int AlertList(ApiClient& api, Format format, const Filters& filters);
// `which`: an alert's name, or the beginning of a fingerprint or a run's id.
int AlertExplain(ApiClient& api, Format format, const std::string& which, const Filters& filters);
int AlertTest(ApiClient& api, Format format, const AlertQuestion& question);
int EpisodeList(ApiClient& api, Format format, const Filters& filters);
int EpisodeClose(ApiClient& api, Format format, const std::string& fingerprint,
                 const std::string& run, const std::string& reason);
int ShowStatus(ApiClient& api, Format format);
int History(ApiClient& api, Format format, const Filters& filters);
struct ReportRequest {
  std::string since = "1y", until;  // as ReportTime takes them; `until` empty: up to now
  std::string format;               // table, csv, json, openmetrics or html
  bool utc = false;
};
// Of the filters: runbook, target, result.
int Report(ApiClient& api, const ReportRequest& request, const Filters& filters);
int Takeover(ApiClient& api, Format format, const std::string& host, const std::string& reason);
int ReceiverList(ApiClient& api, Format format);
// 1 if the receiver answers with something else than success.
int ReceiverTest(ApiClient& api, Format format, const std::string& name);
int ModeGet(ApiClient& api, Format format);
int ModeSet(ApiClient& api, Format format, const std::string& mode);

void ShowPlan(const Plan& plan);

// "mailhubctl: MESSAGE" on standard error; returns 1.
int Complain(const Error& error);

}  // namespace mailhub::ctl
