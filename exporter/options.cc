#include "exporter/options.h"

#include <CLI/CLI.hpp>

#include "lib/base/duration.h"
#include "lib/daemon/parsed_option.h"
#include "lib/version/version.h"

namespace mailhub::exporter {
namespace {

constexpr char kListenAddress[] = "127.0.0.1:9715";

}  // namespace

std::optional<Options> ReadOptions(int argc, char** argv, int* exit_status) {
  Options options;
  CLI::App app("Prometheus exporter that looks at the hosts of a site file over SSH.",
               "mailhub_exporter");
  app.footer(
      "Signals: HUP reads the site file again; TERM ends the program.\n"
      "Exit status: 0 ended by a signal, or the check is good; 1 refused, and the log says why; 2 "
      "wrong command line.");
  app.set_help_flag("--help,-h", "Print this and exit.");
  app.set_version_flag("--version", VersionText("mailhub_exporter"),
                       "Print version and revision, and exit.");
  app.add_option("--config.file", options.config_file, "The site file.")->capture_default_str();
  app.add_flag("--config.check", options.check_only, "Check the site file and exit.");
  app.add_flag("--print-helper", options.print_helper,
               "Print the helper, for a host where it is to be installed, and exit.");
  app.add_option("--check-health", options.check_health,
                 "Ask a running exporter at this URL, http://127.0.0.1:9715/-/healthy, and exit: 0 "
                 "if it answers "
                 "200 within 3 s.");
  AddWebFlags(app, kListenAddress, &options.web);
  app.add_option("--web.telemetry-path", options.telemetry_path,
                 "Where the exporter's own metrics are.")
      ->capture_default_str()
      ->check([](const std::string& path) {
        return !path.empty() && path[0] == '/' ? "" : "must begin with /";
      });
  AddParsedOption(app, "--log.level", &options.log_level, ParseLogLevel,
                  "debug, info, warn or error.");
  AddParsedOption(app, "--log.format", &options.log_format, ParseLogFormat, "logfmt or json.");
  AddParsedOption(app, "--timeout-offset", &options.timeout_offset, ParseDuration,
                  "Taken off a scrape's timeout, for the way back. Default 250ms.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  if (options.web.listen_addresses.empty()) options.web.listen_addresses = {kListenAddress};
  return options;
}

}  // namespace mailhub::exporter
