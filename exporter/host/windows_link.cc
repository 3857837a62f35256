#include "exporter/host/windows_link.h"

#include "exporter/collector/host_metrics.h"
#include "exporter/collector/windows_services.h"
#include "exporter/metrics/stopwatch.h"
#include "lib/base/log.h"

namespace mailhub::exporter {
namespace {

constexpr ssh::ExecLimits kLimits = {16 << 10};

}  // namespace

std::optional<Trouble> WindowsLink::Prepare(SteadyTime deadline) {
  bool is_new = false;
  auto trouble = session_.Ensure(deadline, &is_new);
  if (is_new) proven_ = false;
  return trouble;
}

Look WindowsLink::Collect(SteadyTime deadline) {
  was_stale_ = false;
  Look look;
  look.collectors["host"] = {};
  if (!host_.services.empty()) look.collectors["services"] = {};
  look.trouble = AskServices(deadline, &look);
  if (look.trouble) {
    was_stale_ = proven_ && look.trouble->reason != ssh::ConnectFailure::kTimeout;
    session_.Drop();
    return look;
  }
  proven_ = true;
  // That it answered is all there is to know about the host itself.
  look.collectors["host"].success = true;
  look.families.Add(kHostInfo, {{"platform", config::Name(host_.platform)}}, 1);
  return look;
}

std::optional<Trouble> WindowsLink::AskServices(SteadyTime deadline, Look* look) {
  const Stopwatch watch;
  Families families;
  bool understood = true;
  for (const auto& [name, service] : host_.services) {
    auto result = session_.get()->Exec(WindowsServiceCommand(name), "", kLimits, deadline);
    if (!result) {
      const bool late = clock_.Steady() >= deadline;
      const bool said_no = result.error().kind == ErrorKind::kRefused;
      return Trouble{late      ? ssh::ConnectFailure::kTimeout
                     : said_no ? ssh::ConnectFailure::kProtocol
                               : ssh::ConnectFailure::kConnect,
                     result.error().message};
    }
    auto report = ReadWindowsService(result->out);
    if (!report) {
      LogDebug("A collector failed", {{"host", host_.name}, {"why", report.error().message}});
      understood = false;
      continue;
    }
    AddService(name, *report, &families);
  }
  if (host_.services.empty()) return std::nullopt;
  look->collectors["services"] = {understood, watch.Seconds()};
  if (understood) look->families.Merge(std::move(families));
  return std::nullopt;
}

}  // namespace mailhub::exporter
