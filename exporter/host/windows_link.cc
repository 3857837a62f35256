#include "exporter/host/windows_link.h"

#include "exporter/collector/host_metrics.h"
#include "exporter/collector/windows_services.h"
#include "lib/base/log.h"
#include "lib/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

constexpr ssh::ExecLimits kLimits = {16 << 10};

}  // namespace

std::optional<ProbeFailure> WindowsLink::Prepare(SteadyTime deadline) {
  bool is_new = false;
  auto failure = session_.Ensure(deadline, &is_new);
  if (is_new) proven_ = false;
  return failure;
}

Collection WindowsLink::Collect(SteadyTime /*since*/, SteadyTime deadline,
                                const std::function<void(const Collection&)>& /*so_far*/) {
  was_stale_ = false;
  Collection collection;
  collection.collectors["host"] = {};
  if (!host_.services.empty()) collection.collectors["services"] = {};
  // The last one may be late without making the whole collection late.
  const auto left = deadline - clock_.Steady();
  collection.failure = AskServices(
      deadline - std::min<SteadyTime::duration>(left / 10, Milliseconds(100)), &collection);
  if (collection.failure) {
    was_stale_ = proven_ && collection.failure->reason != ssh::ConnectFailure::kTimeout;
    session_.Drop();
    return collection;
  }
  proven_ = true;
  // Its answer is all that is known about the host itself.
  collection.collectors["host"].success = true;
  collection.families.Add(kHostInfo, {{"platform", Name(host_.platform)}}, 1);
  return collection;
}

std::optional<ProbeFailure> WindowsLink::AskServices(SteadyTime deadline, Collection* collection) {
  const metrics::Stopwatch watch;
  std::string why;
  bool answered = false;
  for (const auto& [label, service] : host_.services) {
    const std::string name = config::NameOnHost(label, service);
    auto result = session_.get()->Exec(WindowsServiceCommand(name), "", kLimits, deadline);
    if (!result) {
      const bool late = clock_.Steady() >= deadline;
      const bool said_no = result.error().kind == ErrorKind::kRefused;
      const ProbeFailure failure{late      ? ssh::ConnectFailure::kTimeout
                                 : said_no ? ssh::ConnectFailure::kProtocol
                                           : ssh::ConnectFailure::kConnect,
                                 result.error().message};
      if (!answered || !late) return failure;
      // The host answers, but this service's manager does not: earlier results count.
      LogInfo("A service is late", {{"host", host_.name}, {"service", name}});
      why = name + ": " + result.error().message;
      session_.Drop();
      break;
    }
    answered = true;
    auto report = ReadWindowsService(name, result->out);
    if (!report) {
      LogDebug("A collector failed", {{"host", host_.name}, {"why", report.error().message}});
      why = report.error().message;
      continue;
    }
    AddService(label, *report, &collection->families);
  }
  if (!host_.services.empty())
    collection->collectors["services"] = {why.empty(), watch.Seconds(), why};
  return std::nullopt;
}

}  // namespace mailhub::exporter
