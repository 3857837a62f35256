// Assembles the exporter from the real clock, the site file, the hosts' probers and the HTTP
// server.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>

#include "exporter/helper/helper_command.h"
#include "exporter/host/fleet.h"
#include "exporter/options.h"
#include "exporter/web/app.h"
#include "exporter/web/self_metrics.h"
#include "lib/base/clock.h"
#include "lib/base/counted.h"
#include "lib/base/log.h"
#include "lib/config/files_read.h"
#include "lib/config/site.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/systemd_sockets.h"
#include "lib/daemon/watchdog.h"
#include "lib/http/health.h"
#include "lib/http/public_url.h"
#include "lib/http/server.h"
#include "lib/ssh/session.h"
#include "lib/version/version.h"

namespace mailhub::exporter {
namespace {

// When a network is down, each host's scrape waits for its deadline and occupies a worker of the
// server; these are for other requests. Hosts that a reload adds share the workers.
constexpr size_t kSpareConnections = 56;
constexpr size_t kSpareForOthers = 28;  // of them; never for the address that has the most
constexpr size_t kSpareForPages = 14;   // of them; never for scrapes
constexpr size_t kMaxConnections = 1'000;
constexpr Milliseconds kLongestShutdown{1'800};
// A session, and two descriptors that end it early. Port measurements are short.
constexpr size_t kFilesPerHost = 3;
constexpr size_t kOtherFiles = 100;

size_t Connections(size_t hosts) {
  return std::min(kMaxConnections, hosts + kSpareConnections);
}

Result<config::Site> LoadForExporter(const std::string& path) {
  auto site = config::LoadSite(path);
  if (!site) return site;
  if (site->exporter_key.empty()) {
    return Fail(ErrorKind::kInvalid, path + ": ssh.exporter_key: missing");
  }
  if (auto usable = ssh::CheckOwnFiles(site->known_hosts, site->exporter_key); !usable) {
    return Fail(ErrorKind::kInvalid,
                site->places.at("known_hosts") + ", exporter_key: " + usable.error().message);
  }
  return site;
}

// Reloads the site file, one reload at a time. Thread-safe.
class Reloader {
 public:
  Reloader(std::string path, size_t file_limit, Fleet& fleet, SelfMetrics& self)
      : path_(std::move(path)), file_limit_(file_limit), fleet_(fleet), self_(self) {}

  Status Reload() {
    std::lock_guard lock(mutex_);
    config::FilesRead files;
    auto site = [&] {
      const config::NotesFilesRead notes(&files);
      return LoadForExporter(path_);
    }();
    // Of a refused file too, so that the same mistake is not logged again and again.
    files_ = std::move(files);
    if (!site) {
      self_.OnReload(false);
      LogError("The site file is refused", {{"why", site.error().message}});
      return Fail(site.error());
    }
    const size_t hosts = site->hosts.size();
    const size_t needed = hosts * kFilesPerHost + Connections(hosts) + kOtherFiles;
    if (needed > file_limit_) {
      LogWarn("The limit on open files is too low for so many hosts",
              {{"limit", std::to_string(file_limit_)}, {"needed", std::to_string(needed)}});
    }
    fleet_.Apply(std::make_shared<const config::Site>(std::move(*site)));
    self_.OnReload(true);
    LogInfo("The site file is in force", {{"file", path_}, {"hosts", std::to_string(hosts)}});
    return {};
  }

  // Whether what it last read is no longer what the files have.
  bool FilesHaveChanged() {
    std::lock_guard lock(mutex_);
    return files_.HaveChanged();
  }

 private:
  const std::string path_;
  const size_t file_limit_;
  Fleet& fleet_;
  SelfMetrics& self_;
  std::mutex mutex_;         // one reload at a time
  config::FilesRead files_;  // protected by mutex_
};

using Web = Result<std::shared_ptr<http::WebConfig>>;

// Nothing when no file is named.
Web LoadWeb(const Options& options) {
  if (options.web.config_file.empty()) return nullptr;
  return http::WebConfig::Load(options.web.config_file);
}

// A warning, or "". It is no error: other machines may be meant to ask.
std::string OpenToAll(const std::vector<std::string>& addresses, const http::WebConfig* web) {
  const bool guarded = web != nullptr && (web->RequiresLogin() || web->RequiresClientCertificate());
  const auto open = std::ranges::find_if_not(
      addresses, [](const std::string& address) { return http::IsLoopback(address); });
  if (guarded || open == addresses.end()) return "";
  return "every client that reaches " + *open +
         " may ask about every host; --web.config.file can require a login or a certificate";
}

// Sockets that systemd passes exist only at a start: a check knows no address of them.
std::vector<std::string> KnownAddresses(const Options& options) {
  return options.web.systemd_socket ? std::vector<std::string>() : options.web.listen_addresses;
}

int CheckOnly(const Options& options) {
  const auto wrong = [](const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
  };
  auto site = LoadForExporter(options.config_file);
  if (!site) return wrong(site.error());
  for (const std::string& address : KnownAddresses(options)) {
    if (const Status fine = http::CheckListenAddress(address); !fine) return wrong(fine.error());
  }
  const auto url = http::ReadPublicUrl(options.web.external_url, options.web.route_prefix);
  if (!url) return wrong(url.error());
  const Web web = LoadWeb(options);
  if (!web) return wrong(web.error());
  if (const std::string open = OpenToAll(KnownAddresses(options), web->get()); !open.empty()) {
    std::fprintf(stderr, "careful: %s\n", open.c_str());
  }
  std::printf("%s: good, %s\n", options.config_file.c_str(),
              Counted(site->hosts.size(), "host").c_str());
  return 0;
}

int AskHealth(const std::string& url) {
  const Status healthy = http::CheckHealth(url);
  if (healthy) return 0;
  std::fprintf(stderr, "%s\n", healthy.error().message.c_str());
  return 1;
}

int Refuse(const char* what, const Error& error) {
  LogError(what, {{"why", error.message}});
  return 1;
}

int Run(const Options& options, size_t file_limit) {
  const RealClock clock;
  SelfMetrics self(Version(), Revision());
  Fleet fleet(clock, self);
  Reloader reloader(options.config_file, file_limit, fleet, self);
  http::ServerOptions server_options;
  server_options.listen_addresses = options.web.listen_addresses;
  if (options.web.systemd_socket) {
    auto sockets = daemon::TakeSystemdSockets();
    if (!sockets) return Refuse("The exporter cannot listen", sockets.error());
    server_options.sockets = *std::move(sockets);
  }
  const auto url = http::ReadPublicUrl(options.web.external_url, options.web.route_prefix);
  if (!url) return Refuse("The command line is refused", url.error());
  if (!reloader.Reload()) return 1;

  // Of the exporter's threads only the accepting one has no replacement: a host's thread that hangs costs that host alone.
  daemon::Watchdog watchdog;
  server_options.on_alive = [&watchdog] { watchdog.Beat(); };
  server_options.route_prefix = url->prefix;
  server_options.max_connections = static_cast<int>(Connections(fleet.site()->hosts.size()));
  server_options.max_of_one_address =
      server_options.max_connections - static_cast<int>(kSpareForOthers);
  server_options.max_streams = 1;
  server_options.max_body_bytes = 4096;
  const Web web = LoadWeb(options);
  if (!web) return Refuse("The web configuration is refused", web.error());
  server_options.web_config = *web;
  App app({options.telemetry_path, options.timeout_offset, Version(),
           server_options.max_connections - static_cast<int>(kSpareForPages),
           static_cast<int>(kSpareForOthers), options.web.max_requests,
           !options.web.disable_exporter_metrics},
          fleet, self, clock, [&reloader] { return reloader.Reload(); });
  http::Server server(std::move(server_options));
  app.Attach(server);
  if (auto started = server.Start(); !started)
    return Refuse("The exporter cannot listen", started.error());
  if (const std::string open = OpenToAll(server.Addresses(), web->get()); !open.empty()) {
    LogWarn("Clients need no login", {{"careful", open}});
  }
  for (const std::string& address : server.Addresses()) {
    LogInfo("Listening", {{"address", address},
                          {"port", address.substr(address.rfind(':') + 1)},
                          {"prefix", url->prefix + "/"},
                          {"version", Version()},
                          {"revision", Revision()}});
  }
  daemon::ServeSignals(
      [&reloader] { static_cast<void>(reloader.Reload()); },  // it has logged the mistake
      {options.web.auto_reload_interval, [&reloader] { return reloader.FilesHaveChanged(); }});
  LogInfo("Ending");
  const daemon::ShutdownLimit limit(kLongestShutdown, 0);
  fleet.Stop();
  server.Stop();
  return 0;
}

}  // namespace
}  // namespace mailhub::exporter

int main(int argc, char** argv) {
  using namespace mailhub::exporter;
  int exit_status = 0;
  const auto options = ReadOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  mailhub::InitLog(options->log_level, options->log_format);
  if (options->print_helper) {
    const std::string_view helper = HelperScript();
    return std::fwrite(helper.data(), 1, helper.size(), stdout) == helper.size() ? 0 : 1;
  }
  if (!options->check_health.empty()) return AskHealth(options->check_health);
  if (options->check_only) return CheckOnly(*options);
  mailhub::daemon::BlockSignals();
  return Run(*options, mailhub::daemon::RaiseFileLimit());
}
