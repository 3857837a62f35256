#include "lib/daemon/web_flags.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "lib/base/duration.h"
#include "lib/daemon/parsed_option.h"

namespace mailhub {
namespace {

constexpr int kMostOfMaxRequests = 1'000'000;
constexpr Milliseconds kAutoReloadInterval{30'000};
constexpr Milliseconds kLeastAutoReloadInterval{1'000};

Result<Milliseconds> AutoReloadInterval(std::string_view text) {
  auto interval = ParseDuration(text);
  if (!interval || *interval >= kLeastAutoReloadInterval) return interval;
  return Fail(ErrorKind::kInvalid, "expected a duration of 1s or more");
}

}  // namespace

void AddWebFlags(CLI::App& app, const std::string& addresses, WebFlags* flags) {
  app.add_option("--web.listen-address", flags->listen_addresses,
                 "Address and port to listen on: 127.0.0.1:9715, [::1]:9715, :9715 for all. May be "
                 "repeated. Default " +
                     addresses + ".")
      ->allow_extra_args(false);
  app.add_flag("--web.systemd-socket,!--no-web.systemd-socket", flags->systemd_socket,
               "Listen on the sockets that systemd passes, instead of addresses.");
  app.add_option("--web.config.file", flags->config_file,
                 "TLS, logins and limits, as Prometheus' own programs read them.");
  app.add_option("--web.external-url", flags->external_url,
                 "The URL under which others reach this program, for links: "
                 "https://mail.example.org/mailhub.");
  app.add_option_function<std::string>(
      "--web.route-prefix", [flags](const std::string& prefix) { flags->route_prefix = prefix; },
      "Path before all pages. Default: the path of --web.external-url.");
  app.add_option("--web.max-requests", flags->max_requests,
                 "Scrapes that are answered at once; further ones get 503. 0: any number.")
      ->check(CLI::Range(0, kMostOfMaxRequests))
      ->capture_default_str();
  app.add_flag("--web.disable-exporter-metrics,!--no-web.disable-exporter-metrics",
               flags->disable_exporter_metrics,
               "Leave out the metrics about this program's process (process_*).");
  const auto enabled = std::make_shared<bool>(false);
  const auto interval = std::make_shared<Milliseconds>(kAutoReloadInterval);
  app.add_flag("--config.enable-auto-reload,!--no-config.enable-auto-reload", *enabled,
               "Read the configuration again when the content of its files has changed.");
  AddParsedOption(app, "--config.auto-reload-interval", interval.get(), AutoReloadInterval,
                  "From one look at the files to the next. Default 30s.");
  app.callback([enabled, interval, flags] {
    flags->auto_reload_interval = *enabled ? *interval : Milliseconds(0);
  });
}

}  // namespace mailhub
