// What each command of mailhubctl does once its arguments are read. Each returns the program's exit
// status and has told standard error why when that is not 0.
#pragma once

#include <map>
#include <string>

#include "actuator/ctl/api_client.h"

namespace mailhub::ctl {

enum class Format { kTable, kJson, kCsv };

struct Filters {
  std::string state, runbook, target, result, alertname, fingerprint, decision, run;
  int limit = 100;
};

using Parameters = std::map<std::string, std::string>;

int RunList(ApiClient& api, Format format, const Filters& filters);
int RunShow(ApiClient& api, Format format, const std::string& run);
int RunLog(ApiClient& api, Format format, const std::string& run);
int RunPlan(ApiClient& api, Format format, const std::string& runbook,
            const Parameters& parameters);
// Puts the new run's id into *run.
int RunStart(ApiClient& api, Format format, const std::string& runbook,
             const Parameters& parameters, const std::string& reason, std::string* run);
int RunAct(ApiClient& api, Format format, const std::string& verb, const std::string& run,
           const std::string& reason);
int AlertList(ApiClient& api, Format format, const Filters& filters);
// `which`: a fingerprint, an alert's name or a run's id.
int AlertExplain(ApiClient& api, Format format, const std::string& which, int limit);
int History(ApiClient& api, Format format, const Filters& filters);
int Takeover(ApiClient& api, Format format, const std::string& host, const std::string& reason);
int ModeGet(ApiClient& api, Format format);
int ModeSet(ApiClient& api, Format format, const std::string& mode);

// "mailhubctl: MESSAGE" on standard error; returns 1.
int Complain(const Error& error);

}  // namespace mailhub::ctl
