// The tree of mailhubctl's commands with their options and actions. CLI11 stays in this program.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "actuator/ctl/commands.h"
#include "actuator/ctl/journal_command.h"
#include "actuator/ctl/verbs.h"
#include "actuator/ctl/watch.h"

namespace mailhub::ctl {

inline constexpr int kUsage = 64;

struct Arguments {
  Connection connection;
  std::string output = "table";
  std::string run;
  std::string runbook;
  std::string reason;
  bool now = false;
  Verb verb;
  std::string which;
  std::string mode;
  std::string file;
  std::string runbooks;
  std::vector<std::string> assignments;
  std::string calendar_from;
  int calendar_days = 14;
  std::string location;
  Filters filters;
  uint64_t after = 0;
  bool follow = false;
  WatchOptions watch;
  std::string interval = "1s";
  std::string wait_for = "0s";
  std::string give_up_after = "1m";
  JournalPlace journal;
  ReportRequest report;
  bool csv = false;
  bool json = false;
  bool watch_it = false;
  bool live = false;
  bool resolved = false;
  bool utc = false;

  Format ChosenFormat() const {
    if (csv) return Format::kCsv;
    return json || output == "json" ? Format::kJson : Format::kTable;
  }
};

using Action = std::function<int()>;

// Parsing `app` fills `arguments` and sets *action; both must outlive it.
void AddCommands(CLI::App& app, Arguments& arguments, Action* action);

}  // namespace mailhub::ctl
