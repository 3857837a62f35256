// See command_line.h.
#include "actuator/ctl/command_line.h"

#include <algorithm>
#include <utility>

#include "actuator/ctl/calendar_commands.h"
#include "actuator/ctl/config_check.h"
#include "lib/base/duration.h"

namespace mailhub::ctl {
namespace {

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

int FollowRun(const Arguments& arguments, ApiClient& api) {
  const auto interval = ParseDuration(arguments.interval);
  if (!interval) return Complain(interval.error());
  const auto give_up_after = ParseDuration(arguments.give_up_after);
  if (!give_up_after) return Complain(give_up_after.error());
  return FollowLog(api, arguments.ChosenFormat(), arguments.run,
                   {.after = arguments.after,
                    .interval = std::max(*interval, Milliseconds(20)),
                    .give_up_after = *give_up_after});
}

int StartRun(const Arguments& arguments) {
  const auto parameters = ParseAssignments(arguments.assignments);
  if (!parameters) return Complain(parameters.error());
  if (arguments.now && arguments.reason.empty()) {
    Complain({ErrorKind::kInvalid, "run start --now needs --reason, for the journal"});
    return kUsage;
  }
  return With(arguments, [&](ApiClient& api) {
    std::string run;
    const int status = RunStart(api, arguments.ChosenFormat(), arguments.runbook, *parameters,
                                arguments.reason, arguments.now, &run);
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
    const auto plan = arguments.live ? RunCheck : RunPlan;
    return plan(api, arguments.ChosenFormat(), arguments.runbook, *parameters);
  });
}

int TestAlerts(const Arguments& arguments) {
  const auto labels = ParseAssignments(arguments.assignments);
  if (!labels) return Complain(labels.error());
  return With(arguments, [&](ApiClient& api) {
    return AlertTest(api, arguments.ChosenFormat(), {arguments.which, *labels, arguments.resolved});
  });
}

void AddPatience(CLI::App* command, Arguments& a) {
  command->add_option("--interval", a.interval, "How often to look")->capture_default_str();
  command
      ->add_option("--give-up-after", a.give_up_after,
                   "How long the actuator may be away before watching ends")
      ->capture_default_str();
}

void AddWatchOptions(CLI::App* command, Arguments& a) {
  command->add_flag("--until-finished", a.watch.until_finished,
                    "Go on watching while the run holds, instead of ending with status 2");
  AddPatience(command, a);
}

void AddLimit(CLI::App* command, Arguments& a) {
  command->add_option("--limit", a.filters.limit, "At most so many")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

void AddBefore(CLI::App* command, Arguments& a, const char* help) {
  command->add_option("--before", a.filters.before, help);
}

void AddFilters(CLI::App* command, Arguments& a, bool states) {
  if (states) command->add_option("--state", a.filters.state, "Only runs in this state");
  command->add_option("--runbook", a.filters.runbook, "Only runs of this runbook");
  command->add_option("--target", a.filters.target, "Only runs of this host");
  command->add_option("--result", a.filters.result, "Only runs with this result");
  AddLimit(command, a);
}

// Checks what each verb needs beside the run; what it answers is checked where it is sent.
void AddVerb(CLI::App* run, Arguments& a, Action* action, const std::string& word,
             const char* help) {
  CLI::App* command = run->add_subcommand(word, help);
  command->add_option("RUN", a.verb.run, "The run's id, or at least 6 characters of it")
      ->required();
  command->add_option("--reason", a.verb.reason, "Why, for the journal");
  const bool judges = word == "skip" || word == "resolve";
  if (judges || word == "retry" || word == "resume")
    command->add_option("--hold", a.verb.hold, "Number of the hold that this answers")
        ->check(CLI::Range(1, 1'000'000'000));
  if (word == "resume")
    command->add_option("--pause", a.verb.pause, "Number of the pause that this lifts")
        ->check(CLI::Range(1, 1'000'000'000));
  if (word == "confirm") {
    command->add_option("--step", a.verb.step, "Path of the step whose question this answers");
    command->add_option("--attempt", a.verb.attempt, "Its attempt")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
  }
  command->callback([&a, action, word, judges] {
    a.verb.word = word;
    *action = [&a, judges] {
      if (judges && a.verb.hold != 0 && a.verb.reason.empty()) {
        Complain({ErrorKind::kInvalid, a.verb.word + " needs --reason, for the journal"});
        return kUsage;
      }
      return With(a, [&](ApiClient& api) { return RunAct(api, a.ChosenFormat(), a.verb); });
    };
  });
}

void AddVerbs(CLI::App* run, Arguments& a, Action* action) {
  AddVerb(run, a, action, "pause", "Begin no new step; what runs goes on");
  AddVerb(run, a, action, "resume",
          "Go on after a pause (needs --pause), or look again after a hold (--hold)");
  AddVerb(run, a, action, "confirm", "Say yes to a step that asks (needs --step)");
  AddVerb(run, a, action, "cancel",
          "Wait for the current step, run the steps marked `always`, then end the run");
  AddVerb(run, a, action, "retry",
          "Settle or void the last attempt of the held step, then try once more (needs --hold)");
  AddVerb(run, a, action, "skip",
          "Leave the held step undone and go on (needs --hold and --reason)");
  AddVerb(run, a, action, "resolve",
          "Declare the held step done by other means and go on (needs --hold and --reason)");
}

void AddLooks(CLI::App* run, Arguments& a, Action* action) {
  CLI::App* list = run->add_subcommand("list", "Unfinished runs, then the last finished ones");
  AddFilters(list, a, true);
  list->add_option("--after", a.filters.after, "Only the rest of a list, as its last line says");
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
  log->add_option("--after", a.after, "Only what is younger than the event with this number");
  log->add_flag("--follow", a.follow, "Go on with what comes, until the run is over");
  AddPatience(log, a);
  log->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) {
        return a.follow ? FollowRun(a, api) : RunLog(api, a.ChosenFormat(), a.run, a.after);
      });
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
  start->add_flag("--now", a.now, "Also at a time that is not suitable (needs --reason)");
  plan->add_flag("--live", a.live,
                 "With what it meets now: hosts, conditions, locks. Needs the token. Status 1: "
                 "there are obstacles, or something is not known");
  start->add_flag("--watch", a.watch_it, "Then follow it, as `run watch`");
  AddWatchOptions(start, a);
  start->callback([&a, action] { *action = [&a] { return StartRun(a); }; });
  plan->callback([&a, action] { *action = [&a] { return PlanRun(a); }; });
}

void AddPaging(CLI::App* command, Arguments& a) {
  AddLimit(command, a);
  AddBefore(command, a, "Only decisions older than the one with this number in the journal");
}

void AddEpisodes(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* episode = app.add_subcommand("episode", "Alerts that fire and match a trigger");
  episode->require_subcommand(1);
  CLI::App* list = episode->add_subcommand("list", "The open ones, and which run answers each");
  list->add_option("--state", a.filters.state, "Only episodes in this state");
  list->add_option("--alertname", a.filters.alertname, "Only of this alert");
  list->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return EpisodeList(api, a.ChosenFormat(), a.filters); });
    };
  });
  CLI::App* close =
      episode->add_subcommand("close", "Forget it, so that its alert is decided afresh");
  close->add_option("FINGERPRINT", a.which, "Or its beginning")->required();
  close->add_option("--run", a.run, "The run that has left it unanswered, as the list shows it")
      ->required();
  close->add_option("--reason", a.reason, "Why, for the journal")->required();
  close->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) {
        return EpisodeClose(api, a.ChosenFormat(), a.which, a.run, a.reason);
      });
    };
  });
}

void AddAlerts(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* alert = app.add_subcommand("alert", "What became of alerts");
  alert->require_subcommand(1);
  CLI::App* list = alert->add_subcommand("list", "The last decisions, newest first");
  list->add_option("--alertname", a.filters.alertname);
  list->add_option("--decision", a.filters.decision);
  AddPaging(list, a);
  list->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return AlertList(api, a.ChosenFormat(), a.filters); });
    };
  });
  CLI::App* explain = alert->add_subcommand("explain", "Why an alert did or did not start a run");
  explain
      ->add_option("WHICH", a.which,
                   "An alert's name, or the beginning of a fingerprint or a run's id")
      ->required();
  AddPaging(explain, a);
  explain->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) {
        return AlertExplain(api, a.ChosenFormat(), a.which, a.filters);
      });
    };
  });
  CLI::App* test = alert->add_subcommand(
      "test", "What a notification would do now, changing nothing. Needs the token");
  test->add_option("WHICH", a.which,
                   "A file with Alertmanager's notification (- is standard input; a file's name "
                   "has a / or ends in .json), or an alert's name")
      ->required();
  test->add_option("LABELS,-l,--label", a.assignments, "NAME=VALUE: the alert's other labels");
  test->add_flag("--resolved", a.resolved, "The alert has resolved, instead of firing since now");
  test->callback([&a, action] { *action = [&a] { return TestAlerts(a); }; });
}

void AddReport(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* report = app.add_subcommand(
      "report", "Durations, holds and people of finished runs, by runbook, target and month");
  report->add_option("--since", a.report.since, "Runs that finished since: 90d, 2026-01-31")
      ->capture_default_str();
  report->add_option("--until", a.report.until, "And before; default: now");
  report->add_option("--format", a.report.format, "table, csv, json, openmetrics or html")
      ->check(CLI::IsMember({"table", "csv", "json", "openmetrics", "html"}));
  report->add_option("--runbook", a.filters.runbook, "Only runs of this runbook");
  report->add_option("--target", a.filters.target, "Only runs of this host");
  report->add_option("--result", a.filters.result, "Only runs with this result");
  report->callback([&a, action] {
    *action = [&a] {
      if (a.report.format.empty()) a.report.format = a.output;
      a.report.utc = a.utc;
      return With(a, [&](ApiClient& api) { return Report(api, a.report, a.filters); });
    };
  });
}

void AddReceivers(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* receiver = app.add_subcommand("receiver", "Who is told about runs");
  receiver->require_subcommand(1);
  receiver->add_subcommand("list", "All receivers, what waits for them, and their last trouble")
      ->callback([&a, action] {
        *action = [&a] {
          return With(a, [&](ApiClient& api) { return ReceiverList(api, a.ChosenFormat()); });
        };
      });
  CLI::App* test = receiver->add_subcommand("test", "Send it a test message now");
  test->add_option("NAME", a.which, "As in the actuator's file")->required();
  test->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return ReceiverTest(api, a.ChosenFormat(), a.which); });
    };
  });
}

void AddJournal(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* journal =
      app.add_subcommand("journal", "The journal's file itself, also while the actuator runs");
  journal->require_subcommand(1);
  CLI::App* backup =
      journal->add_subcommand("backup", "Copy it to a new file, and verify the copy");
  backup->add_option("FILE", a.file, "The new file")->required();
  CLI::App* verify =
      journal->add_subcommand("verify", "Check the whole of it. Status 0: no mistake");
  verify->add_option("FILE", a.file, "A journal, as a backup; default: the actuator's");
  for (CLI::App* command : {backup, verify}) {
    command
        ->add_option("--config", a.journal.config, "The actuator's file, which names its journal")
        ->capture_default_str();
    command->add_option("--journal", a.journal.file, "The journal, instead");
  }
  backup->callback([&a, action] { *action = [&a] { return JournalBackup(a.journal, a.file); }; });
  verify->callback([&a, action] { *action = [&a] { return JournalVerify(a.journal, a.file); }; });
}

void AddMode(CLI::App& app, Arguments& a, Action* action) {
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
}

void AddCalendar(CLI::App& app, Arguments& a, Action* action) {
  CLI::App* calendar = app.add_subcommand(
      "calendar", "When runs may start and will start; without a command: by the running actuator");
  calendar->require_subcommand(0, 1);
  calendar->add_option("--format", a.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  CLI::App* check = calendar->add_subcommand("check", "Read the file, and say what is wrong");
  CLI::App* show =
      calendar->add_subcommand("show", "The coming days of a file, as a picture and as times");
  for (CLI::App* command : {check, show}) {
    command->add_option("FILE", a.file, "The calendar's file")->required();
  }
  for (CLI::App* command : {calendar, show}) {
    command->add_option("--days", a.calendar_days, "So many days")
        ->check(CLI::Range(1, 400))
        ->capture_default_str();
    command->add_option("--from", a.calendar_from, "First day, as 2027-01-04 (default: today)");
    command->add_option(
        "--location", a.location,
        "Time zone of the days shown (default: the calendar's first that is not UTC)");
  }
  check->callback(
      [&a, action] { *action = [&a] { return CalendarCheck(a.file, RealClock().Now()); }; });
  show->callback([&a, action] {
    *action = [&a] {
      return CalendarShow(a.file, a.calendar_from, a.calendar_days, a.utc ? "UTC" : a.location,
                          a.ChosenFormat(), RealClock().Now());
    };
  });
  calendar->callback([&a, action, calendar] {
    if (!calendar->get_subcommands().empty()) return;  // its own callback comes first
    *action = [&a] {
      return With(a, [&](ApiClient& api) {
        return CalendarLive(api, a.calendar_from, a.calendar_days, a.utc ? "UTC" : a.location,
                            a.ChosenFormat());
      });
    };
  });
}

void AddRest(CLI::App& app, Arguments& a, Action* action) {
  app.add_subcommand("status", "Mode, runs, holds, dead men and alerts on one screen")
      ->callback([&a, action] {
        *action = [&a] {
          return With(a, [&](ApiClient& api) { return ShowStatus(api, a.ChosenFormat()); });
        };
      });
  app.add_subcommand("waiting", "All that waits for a person, since when, and what to type")
      ->callback([&a, action] {
        *action = [&a] {
          return With(a, [&](ApiClient& api) { return ShowWaiting(api, a.ChosenFormat()); });
        };
      });
  CLI::App* history = app.add_subcommand("history", "Finished runs and how long they took");
  AddFilters(history, a, false);
  AddBefore(history, a, "Only runs that ended before the event with this number in the journal");
  CLI::Option* csv = history->add_flag("--csv", a.csv);
  history->add_flag("--json", a.json)->excludes(csv);
  history->callback([&a, action] {
    *action = [&a] {
      return With(a, [&](ApiClient& api) { return History(api, a.ChosenFormat(), a.filters); });
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

}  // namespace

void AddCommands(CLI::App& app, Arguments& arguments, Action* action) {
  CLI::App* run = app.add_subcommand("run", "Runs");
  run->require_subcommand(1);
  AddLooks(run, arguments, action);
  AddStarts(run, arguments, action);
  AddVerbs(run, arguments, action);
  AddAlerts(app, arguments, action);
  AddEpisodes(app, arguments, action);
  AddReport(app, arguments, action);
  AddJournal(app, arguments, action);
  AddReceivers(app, arguments, action);
  AddMode(app, arguments, action);
  AddCalendar(app, arguments, action);
  AddRest(app, arguments, action);
}

}  // namespace mailhub::ctl
