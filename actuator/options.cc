#include "actuator/options.h"

#include <CLI/CLI.hpp>

#include "lib/daemon/parsed_option.h"
#include "lib/version/version.h"

namespace mailhub {

std::optional<ActuatorOptions> ReadOptions(int argc, char** argv, int* exit_status) {
  ActuatorOptions options;
  CLI::App app("Carries out runbooks on hosts when Alertmanager or a person asks, each step once.",
               "mailhub_actuator");
  app.footer(
      "Signals: HUP reads all files again; TERM ends the program, and commands on hosts go on.\n"
      "Exit status: 0 ended by a signal, or the check is good; 1 refused, and the log says why; 2 "
      "wrong command line.");
  app.set_help_flag("--help,-h", "Print this and exit.");
  app.set_version_flag("--version", VersionText("mailhub_actuator"),
                       "Print version and revision, and exit.");
  app.add_option("--config.file", options.config_file, "The actuator's configuration.")
      ->capture_default_str();
  app.add_flag("--config.check", options.check_only,
               "Check configuration, site file and runbooks, and exit.");
  app.add_flag("--print-runner", options.print_runner,
               "Print the runner, for a host where it is to be installed, and exit.");
  app.add_option("--check-health", options.check_health,
                 "Ask a running actuator at this URL, http://127.0.0.1:9110/-/healthy, and exit: 0 "
                 "if it answers "
                 "200 within 3 s.");
  AddWebFlags(app, "the file's", &options.web);
  AddParsedOption(app, "--log.level", &options.log_level, ParseLogLevel,
                  "debug, info, warn or error.");
  AddParsedOption(app, "--log.format", &options.log_format, ParseLogFormat, "logfmt or json.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return options;
}

}  // namespace mailhub
