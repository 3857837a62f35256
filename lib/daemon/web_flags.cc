#include "lib/daemon/web_flags.h"

#include <CLI/CLI.hpp>

namespace mailhub {
namespace {

constexpr int kMostOfMaxRequests = 1'000'000;

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
}

}  // namespace mailhub
