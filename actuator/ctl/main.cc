// mailhubctl: what a person at a terminal uses to look at runs and to decide about them.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "actuator/ctl/commands.h"
#include "actuator/ctl/config_check.h"
#include "actuator/ctl/watch.h"
#include "lib/base/duration.h"

namespace mailhub::ctl {
namespace {

constexpr int kUsage = 64;

struct Arguments {
  Connection connection;
  std::string output = "table";
  std::string run;
  std::string runbook;
  std::string reason;
  std::string which;
  std::string mode;
  std::string file;
  std::string runbooks;
  std::vector<std::string> assignments;
  Filters filters;
  WatchOptions watch;
  std::string interval = "1s";
  std::string wait_for = "0s";
  std::string give_up_after = "1m";
  bool csv = false;
  bool json = false;
  bool watch_it = false;

  Format ChosenFormat() const {
    if (csv) return Format::kCsv;
    return json || output == "json" ? Format::kJson : Format::kTable;
  }
};

using Action = std::function<int()>;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Result<Parameters> ParseAssignments(const std::vector<std::string>& assignments) {
  Parameters parameters;
  for (const std::string& text : assignments) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return Fail(ErrorKind::kInvalid, "expected NAME=VALUE and got: " + text);
    if (!parameters.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
      return Fail(ErrorKind::kInvalid, "given twice: " + text.substr(0, equals));
  }
  return parameters;
}

// Connects, then acts.
int With(const Arguments& arguments, const std::function<int(ApiClient&)>& act) {
  auto api = ApiClient::Make(arguments.connection);
  if (!api) return Complain(api.error());
  return act(*api);
}

int WatchRun(const Arguments& arguments, ApiClient& api, WatchOptions options) {
  const auto interval = ParseDuration(arguments.interval);
  if (!interval) return Complain(interval.error());
  const auto wait_for = ParseDuration(arguments.wait_for);
  if (!wait_for) return Complain(wait_for.error());
  const auto give_up_after = ParseDuration(arguments.give_up_after);
  if (!give_up_after) return Complain(give_up_after.error());
  options.interval = std::max(*interval, Milliseconds(20));
  options.wait_for = *wait_for;
  options.give_up_after = *give_up_after;
  return Watch(api, options);
}

int StartRun(const Arguments& arguments) {
  const auto parameters = ParseAssignments(arguments.assignments);
  if (!parameters) return Complain(parameters.error());
  return With(arguments, [&](ApiClient& api) {
    std::string run;
    const int status = RunStart(api, arguments.ChosenFormat(), arguments.runbook, *parameters,
                                arguments.reason, &run);
    if (status != 0 || !arguments.watch_it) return status;
    WatchOptions options = arguments.watch;
    options.run = run;
    return WatchRun(arguments, api, options);
  });
}

int PlanRun(const Arguments& arguments) {
  const auto parameters = ParseAssignments(arguments.assignments);
  if (!parameters) return Complain(parameters.error());
  return With(arguments, [&](ApiClient& api) {
    return RunPlan(api, arguments.ChosenFormat(), arguments.runbook, *parameters);
  });
}

void AddWatchOptions(CLI::App* command, Arguments& a) {
  command->add_flag("--until-finished", a.watch.until_finished,
                    "Go on watching while the run holds, instead of ending with status 2");
  command->add_option("--interval", a.interval, "How often to look")->capture_default_str();
  command
      ->add_option("--give-up-after", a.give_up_after,
                   "How long the actuator may be away before watching ends")
      ->capture_default_str();
}

void AddFilters(CLI::App* command, Arguments& a, bool states) {
  if (states) command->add_option("--state", a.filters.state, "Only runs in this state");
  command->add_option("--runbook", a.filters.runbook, "Only runs of this runbook");
  command->add_option("--target", a.filters.target, "Only runs of this host");
  command->add_option("--result", a.filters.result, "Only runs with this result");
  command->add_option("--limit", a.filters.limit, "At most so many")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

void AddVerbs(CLI::App* run, Arguments& a, Action* action) {
  const std::pair<const char*, const char*> verbs[] = {
      {"pause", "Begin no new step; what runs goes on"},
      {"resume", "Go on after a pause, or look again after a hold"},
      {"confirm", "Say yes to a step that asks"},
      {"cancel", "Settle the current step, do what is owed in any case, end"},
      {"retry", "Settle or void the last attempt of the held step, then try once more"},
      {"skip", "Leave the held step undone and go on (needs --reason)"},
      {"resolve", "Declare the held step done by other means and go on (needs --reason)"}};
  for (const auto& [verb, help] : verbs) {
    CLI::App* command = run->add_subcommand(verb, help);
    command->add_option("RUN", a.run, "The run's id, or at least 6 characters of it")->required();
    CLI::Option* reason = command->add_option("--reason", a.reason, "Why, for the journal");
    const std::string word = verb;
    if (word == "skip" || word == "resolve") reason->required();
    command->callback([&a, action, word] {
      *action = [&a, word] {
        return With(a, [&](ApiClient& api) {
          return RunAct(api, a.ChosenFormat(), word, a.run, a.reason);
        });
      };
    });
  }
}

void AddLooks(CLI::App* run, Arguments& a, Action* action) {
  CLI::App* list = run->add_subcommand("list", "Unfinished runs, then the last finished ones");
  AddFilters(list, a, true);
  list->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return RunList(api, a.ChosenFormat(), a.filters); });
    };
  });
  CLI::App* show = run->add_subcommand("show", "One run: steps, commands, gates, output");
  show->add_option("RUN", a.run)->required();
  show->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return RunShow(api, a.ChosenFormat(), a.run); });
    };
  });
  CLI::App* log = run->add_subcommand("log", "Everything the journal says of one run");
  log->add_option("RUN", a.run)->required();
  log->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return RunLog(api, a.ChosenFormat(), a.run); });
    };
  });
  CLI::App* watch = run->add_subcommand(
      "watch", "Follow a run live. Status 0: succeeded, 2: it holds, 1: anything else");
  watch->add_option("RUN", a.watch.run, "Default: the newest unfinished run");
  watch->add_option("--runbook", a.watch.runbook, "Without RUN: of this runbook");
  watch->add_option("--wait-for", a.wait_for, "Without RUN: how long to wait for one to appear")
      ->capture_default_str();
  AddWatchOptions(watch, a);
  watch->callback([&a, action] {
    *action = [&a] { return With(a, [&](ApiClient& api) { return WatchRun(a, api, a.watch); }); };
  });
}

void AddStarts(CLI::App* run, Arguments& a, Action* action) {
  CLI::App* start = run->add_subcommand("start", "Queue a run");
  CLI::App* plan = run->add_subcommand("plan", "Show what a run would do, changing nothing");
  for (CLI::App* command : {start, plan}) {
    command->add_option("RUNBOOK", a.runbook)->required();
    command->add_option("PARAMETERS,-p,--parameter", a.assignments, "NAME=VALUE");
  }
  start->add_option("--reason", a.reason, "Why, for the journal");
  start->add_flag("--watch", a.watch_it, "Then follow it, as `run watch`");
  AddWatchOptions(start, a);
  start->callback([&a, action] { *action = [&a] { return StartRun(a); }; });
  plan->callback([&a, action] { *action = [&a] { return PlanRun(a); }; });
}

void AddAlerts(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* alert = app.add_subcommand("alert", "What became of alerts");
  alert->require_subcommand(1);
  CLI::App* list = alert->add_subcommand("list", "The last decisions, newest first");
  list->add_option("--alertname", a.filters.alertname);
  list->add_option("--decision", a.filters.decision);
  list->add_option("--limit", a.filters.limit)->check(CLI::Range(1, 10'000))->capture_default_str();
  list->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return AlertList(api, a.ChosenFormat(), a.filters); });
    };
  });
  CLI::App* explain = alert->add_subcommand("explain", "Why an alert did or did not start a run");
  explain->add_option("WHICH", a.which, "A fingerprint, an alert's name or a run's id")->required();
  explain->add_option("--limit", a.filters.limit)
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  explain->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) {
        return AlertExplain(api, a.ChosenFormat(), a.which, a.filters.limit);
      });
    };
  });
}

void AddRest(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* history = app.add_subcommand("history", "Finished runs and how long they took");
  AddFilters(history, a, false);
  CLI::Option* csv = history->add_flag("--csv", a.csv);
  history->add_flag("--json", a.json)->excludes(csv);
  history->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return History(api, a.ChosenFormat(), a.filters); });
    };
  });
  CLI::App* mode = app.add_subcommand("mode", "active, observe (decide only) or halted");
  mode->require_subcommand(1);
  mode->add_subcommand("get", "The mode in force")->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return ModeGet(api, a.ChosenFormat()); });
    };
  });
  CLI::App* set = mode->add_subcommand("set", "Change the mode");
  set->add_option("MODE", a.mode)
      ->required()
      ->check(CLI::IsMember({"active", "observe", "halted"}));
  set->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return ModeSet(api, a.ChosenFormat(), a.mode); });
    };
  });
  CLI::App* takeover =
      app.add_subcommand("takeover", "Have a host obey this actuator, whichever it obeyed before");
  takeover->add_option("HOST", a.which, "As in the site file")->required();
  takeover->add_option("--reason", a.reason, "Why, for the journal")->required();
  takeover->callback([&a, action] {
    *action = [&a] {
      return With(
          a, [&](ApiClient& api) { return Takeover(api, a.ChosenFormat(), a.which, a.reason); });
    };
  });
  CLI::App* config = app.add_subcommand("config", "Configuration files");
  config->require_subcommand(1);
  CLI::App* check =
      config->add_subcommand("check", "Read it as the programs do, and say what is wrong");
  check->add_option("FILE", a.file, "A site file, or the actuator's own with all that it names")
      ->required();
  check->add_option("--runbooks", a.runbooks, "Also check this directory's runbooks against it");
  check->callback([&a, action] { *action = [&a] { return ConfigCheck(a.file, a.runbooks); }; });
}

void AddConnection(CLI::App& app, Arguments& a) {
  app.add_option("--url", a.connection.url, "Where the actuator is")
      ->envname("MAILHUB_URL")
      ->capture_default_str();
  app.add_option("--token-file", a.connection.token_file,
                 "File with the API token, needed to change anything")
      ->envname("MAILHUB_TOKEN_FILE");
  CLI::Option* user = app.add_option("--user", a.connection.user, "Log in by this name instead");
  CLI::Option* password = app.add_option("--password-file", a.connection.password_file,
                                         "File with the login's password in its first line");
  user->needs(password);
  password->needs(user);
  app.add_option("--ca-file", a.connection.ca_file, "Certificates to trust, PEM");
  app.add_option("--by", a.connection.by, "Who acts, for the journal (default: you)");
  app.add_option("--output", a.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

int Main(int argc, char** argv) {
  Arguments arguments;
  Action action;
  CLI::App app("Looks at the mailhub actuator's runs, and decides about them.", "mailhubctl");
  app.require_subcommand(1);
  app.fallthrough();
  AddConnection(app, arguments);
  CLI::App* run = app.add_subcommand("run", "Runs");
  run->require_subcommand(1);
  AddLooks(run, arguments, &action);
  AddStarts(run, arguments, &action);
  AddVerbs(run, arguments, &action);
  AddAlerts(app, arguments, &action);
  AddRest(app, arguments, &action);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->fallthrough();
    for (CLI::App* below : command->get_subcommands([](CLI::App*) { return true; }))
      below->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsage;
  }
  if (arguments.connection.by.empty()) arguments.connection.by = Environment("SUDO_USER");
  if (arguments.connection.by.empty()) arguments.connection.by = Environment("USER");
  return action();
}

}  // namespace
}  // namespace mailhub::ctl

int main(int argc, char** argv) {
  return mailhub::ctl::Main(argc, argv);
}
