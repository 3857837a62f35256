// Assembles the actuator from the real clock, SSH, Prometheus and the journal.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>

#include "actuator/api/metrics.h"
#include "actuator/api/observer.h"
#include "actuator/condition/evaluators.h"
#include "actuator/configuration.h"
#include "actuator/gate_options.h"
#include "actuator/journal/journal.h"
#include "actuator/notify/notifier.h"
#include "actuator/options.h"
#include "actuator/receiver_options.h"
#include "actuator/remote/host_checks.h"
#include "actuator/remote/remote_hosts.h"
#include "actuator/remote/runner_script.h"
#include "actuator/retention.h"
#include "actuator/service/service.h"
#include "actuator/surroundings.h"
#include "actuator/web.h"
#include "lib/base/counted.h"
#include "lib/base/guarded.h"
#include "lib/base/log.h"
#include "lib/config/files_read.h"
#include "lib/config/yaml.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/systemd_sockets.h"
#include "lib/daemon/watchdog.h"
#include "lib/http/health.h"
#include "lib/http/public_url.h"
#include "lib/version/version.h"

namespace mailhub {
namespace {

constexpr size_t kHistoryForMetrics = 10'000;
constexpr Milliseconds kLongestShutdown{1'900};

int Refuse(const char* what, const Error& error) {
  LogError(what, {{"why", error.message}});
  return 1;
}

// The settings of file and command line together.
settings::WebSettings WebSettingsOf(const ActuatorOptions& options,
                                    const Configuration& configuration) {
  settings::WebSettings web = configuration.settings.fixed.web;
  if (!options.web.listen_addresses.empty()) web.listen_addresses = options.web.listen_addresses;
  // Sockets that systemd passes exist only at a start: actuator/web.cc looks at their addresses.
  if (options.web.systemd_socket) web.listen_addresses.clear();
  if (!options.web.config_file.empty()) web.config_file = options.web.config_file;
  return web;
}

// kInvalid: one line per mistake.
Result<Configuration> ReadConfiguration(const ActuatorOptions& options) {
  auto configuration = LoadConfiguration(options.config_file);
  if (!configuration) return configuration;
  std::string wrong;
  for (const std::string& line :
       CheckSurroundings(*configuration, WebSettingsOf(options, *configuration))) {
    wrong += (wrong.empty() ? "" : "\n") + line;
  }
  if (!wrong.empty()) return Fail(ErrorKind::kInvalid, wrong);
  return configuration;
}

int CheckOnly(const ActuatorOptions& options) {
  const auto url = http::ReadPublicUrl(options.web.external_url, options.web.route_prefix);
  if (!url) {
    std::fprintf(stderr, "%s\n", url.error().message.c_str());
    return 1;
  }
  const auto configuration = ReadConfiguration(options);
  if (!configuration) {
    std::fprintf(stderr, "%s\n", configuration.error().message.c_str());
    return 1;
  }
  std::printf("%s: good, %s, %s, %s\n", options.config_file.c_str(),
              Counted(configuration->settings.triggers.size(), "trigger").c_str(),
              Counted(configuration->runbooks->List().size(), "runbook").c_str(),
              Counted(configuration->site->hosts.size(), "host").c_str());
  return 0;
}

// Passes what is committed to the metrics and the log, and wakes whoever tells people.
class Observers final : public engine::Observer {
 public:
  Observers(api::ActuatorMetrics* metrics, notify::Notifier* notifier)
      : metrics_(metrics), notifier_(notifier) {}
  void Committed(std::span<const engine::Event> events, Took took) override {
    metrics_.Committed(events, took);
    const bool about_runs = std::ranges::any_of(events, [](const engine::Event& event) {
      return engine::AboutOf(event.body) != engine::About::kNoRun;
    });
    if (about_runs) notifier_->Committed(events.back().seq);
  }
  void CommitFailed(const Error& error) override { metrics_.CommitFailed(error); }

 private:
  api::MetricsObserver metrics_;
  notify::Notifier* const notifier_;
};

// All parts of one life of the program, each after those that it depends on.
class Program {
 public:
  Program(const ActuatorOptions& options, const Configuration& configuration, settings::Fixed fixed,
          condition::GateOptions gate_options, std::vector<notify::ReceiverOptions> receivers,
          std::unique_ptr<journal::Journal> journal, WebOptions web_options,
          config::FilesRead files)
      : options_(options),
        files_(std::move(files)),
        web_options_(std::move(web_options)),
        as_read_(configuration.settings.fixed),
        fixed_(std::move(fixed)),
        receivers_(std::move(receivers)),
        journal_(std::move(journal)),
        metrics_(Version()),
        notifier_({fixed_.journal, [this] { return service_.Look(); }, &clock_}),
        observer_(&metrics_, &notifier_),
        prometheus_(std::move(gate_options), &clock_),
        hosts_(configuration.site),
        host_checks_(configuration.site),
        service_(OptionsFor(configuration),
                 {journal_.get(), &hosts_, &prometheus_, &observer_, &clock_, &host_checks_},
                 journal::JournalReader(fixed_.journal)) {}

  int Run() {
    if (Status replayed = service_.Replay(); !replayed)
      return Refuse("The journal cannot be read", replayed.error());
    std::vector<engine::PastRun> history;
    const auto read = service_.History({}, [&history](const engine::PastRun& run) {
      history.push_back(run);
      return history.size() < kHistoryForMetrics;
    });
    if (read) metrics_.Restore(history, *service_.Look());
    // Listening first: who may not listen must not act either. Until the epoch is committed the
    // service refuses whatever comes.
    auto web =
        Web::Make(fixed_, Version(), &service_, &metrics_, &notifier_, &clock_, web_options_);
    if (!web) return Refuse("The actuator may not listen", web.error());
    if (Status listening = (*web)->Start(); !listening)
      return Refuse("The actuator cannot listen", listening.error());
    for (const std::string& address : (*web)->Addresses()) {
      LogInfo("Listening", {{"address", address},
                            {"port", address.substr(address.rfind(':') + 1)},
                            {"prefix", web_options_.prefix + "/"},
                            {"journal", journal_->id()},
                            {"version", Version()},
                            {"revision", Revision()}});
    }
    // Before the first commit, so that no event of this life is missed.
    notifier_.Start(journal_->id(), journal_->last_seq(), receivers_);
    service_.Start();
    const Retention retention({.journal = fixed_.journal,
                               .journal_id = journal_->id(),
                               .keep_decisions = fixed_.keep_decisions,
                               .keep_runs = fixed_.keep_runs},
                              &clock_);

    daemon::ServeSignals(
        [this] { static_cast<void>(service_.Reload()); },
        {options_.web.auto_reload_interval, [this] { return files_.Copy().HaveChanged(); }});
    LogInfo("Ending");
    const daemon::ShutdownLimit limit(kLongestShutdown, fatal_ ? 1 : 0);
    // Stops the service first: it answers waiting requests, so that the server need not wait.
    // Commands on hosts go on.
    prometheus_.Cancel();
    notifier_.Cancel();
    host_checks_.Cancel();
    service_.Stop();
    (*web)->Stop();
    notifier_.Stop();
    hosts_.Stop();
    return fatal_ ? 1 : 0;
  }

 private:
  service::ServiceOptions OptionsFor(const Configuration& configuration) {
    service::ServiceOptions options;
    options.version = Version();
    options.engine = configuration.settings.engine;
    options.plans = configuration.runbooks;
    options.first_mode = fixed_.first_mode;
    options.most_waiting = fixed_.most_waiting;
    options.on_alive = [this] { watchdog_.Beat(); };
    options.read_configuration = [this] { return ReadAgain(); };
    options.on_reloaded = [this](const Status& status) { OnReloaded(status); };
    options.on_fatal = [this](const Error& error) {
      LogError("The journal contradicts itself; nothing is done any more",
               {{"why", error.message}});
      fatal_ = true;
      daemon::EndProgram();
    };
    return options;
  }

  Result<service::Reconfigure> ReadAgain() {
    config::FilesRead files;
    const config::NotesFilesRead notes(&files);
    auto again = ReadConfiguration(options_);
    auto receivers = again ? ReceiversOf(again->settings.receivers, web_options_.external_url)
                           : Fail(again.error());
    // Of refused files too, so that the same mistake is not logged again and again.
    files_.With([&](config::FilesRead& last) { last = std::move(files); });
    if (!again) return Fail(again.error());
    if (!receivers) return Fail(receivers.error());
    if (again->settings.fixed != as_read_) {
      LogWarn(
          "journal, mode, web, webhook, prometheus, or limits that need a restart have changed");
    }
    return service::Reconfigure{
        .config = again->settings.engine,
        .plans = again->runbooks,
        .applied =
            [this, site = again->site, receivers = *std::move(receivers)] {
              hosts_.UseSite(site);
              host_checks_.UseSite(site);
              notifier_.Use(receivers);
            },
        .knows_host = [site = again->site](
                          const std::string& host) { return site->FindHost(host) != nullptr; }};
  }

  void OnReloaded(const Status& status) {
    metrics_.ConfigReloaded(status.has_value());
    if (status) {
      LogInfo("The configuration is in force", {{"file", options_.config_file}});
    } else {
      LogError("The configuration is refused; the old one stays",
               {{"why", status.error().message}});
    }
  }

  const ActuatorOptions options_;
  Guarded<config::FilesRead> files_;  // of the last reading
  const WebOptions web_options_;
  const settings::Fixed as_read_;  // to detect changes that a reload cannot apply
  const settings::Fixed fixed_;
  const std::vector<notify::ReceiverOptions> receivers_;  // at the start
  const RealClock clock_;
  const std::unique_ptr<journal::Journal> journal_;
  api::ActuatorMetrics metrics_;
  notify::Notifier notifier_;
  Observers observer_;
  condition::Evaluators prometheus_;
  remote::RemoteHosts hosts_;
  remote::HostChecks host_checks_;
  std::atomic<bool> fatal_{false};
  daemon::Watchdog watchdog_;  // of the deciding thread
  service::Service service_;
};

int AskHealth(const std::string& url) {
  const Status healthy = http::CheckHealth(url);
  if (healthy) return 0;
  std::fprintf(stderr, "%s\n", healthy.error().message.c_str());
  return 1;
}

// What the command line says about HTTP. Takes systemd's sockets, so once only.
Result<WebOptions> WebOptionsOf(const WebFlags& flags) {
  const auto url = http::ReadPublicUrl(flags.external_url, flags.route_prefix);
  if (!url) return Fail(url.error());
  WebOptions web{.external_url = url->base,
                 .prefix = url->prefix,
                 .max_requests = flags.max_requests,
                 .process_metrics = !flags.disable_exporter_metrics};
  if (!flags.systemd_socket) return web;
  auto sockets = daemon::TakeSystemdSockets();
  if (!sockets) return Fail(sockets.error());
  web.sockets = *std::move(sockets);
  return web;
}

int Run(const ActuatorOptions& options) {
  auto web = WebOptionsOf(options.web);
  if (!web) return Refuse("The command line is refused", web.error());
  config::FilesRead files;
  const config::NotesFilesRead notes(&files);
  auto configuration = ReadConfiguration(options);
  if (!configuration) return Refuse("The configuration is refused", configuration.error());
  settings::Fixed fixed = configuration->settings.fixed;
  fixed.web = WebSettingsOf(options, *configuration);
  auto gate_options = GateOptionsOf(fixed.prometheus);
  if (!gate_options)
    return Refuse("The secrets for Prometheus cannot be read", gate_options.error());
  auto receivers = ReceiversOf(configuration->settings.receivers, web->external_url);
  if (!receivers) return Refuse("The secrets of a receiver cannot be read", receivers.error());
  auto journal = journal::Journal::Open(fixed.journal, RealClock().Now());
  if (!journal) return Refuse("The journal cannot be used", journal.error());
  Program program(options, *configuration, std::move(fixed), *std::move(gate_options),
                  *std::move(receivers), *std::move(journal), *std::move(web), files);
  return program.Run();
}

}  // namespace
}  // namespace mailhub

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto options = mailhub::ReadOptions(argc, argv, &exit_status);
  if (!options) return exit_status;
  mailhub::InitLog(options->log_level, options->log_format);
  if (options->print_runner) {
    const std::string_view runner = mailhub::remote::RunnerScript();
    return std::fwrite(runner.data(), 1, runner.size(), stdout) == runner.size() ? 0 : 1;
  }
  if (!options->check_health.empty()) return mailhub::AskHealth(options->check_health);
  if (options->check_only) return mailhub::CheckOnly(*options);
  mailhub::daemon::BlockSignals();
  mailhub::daemon::RaiseFileLimit();
  return mailhub::Run(*options);
}
