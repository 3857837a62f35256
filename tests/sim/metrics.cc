// See metrics.h.
#include "tests/sim/metrics.h"

#include <string_view>

#include "actuator/api/view_metrics.h"
#include "lib/metrics/families.h"

namespace mailhub::sim {
namespace {

constexpr char kSilences[] = "mailhub_actuator_host_in_run";

std::string LabelOf(const metrics::Sample& sample, std::string_view name) {
  for (const metrics::Label& label : sample.label) {
    if (label.name == name) return label.value;
  }
  return "";
}

}  // namespace

Looked ReadMetrics(const engine::View& view, WallTime now, bool silence_all) {
  Looked looked;
  for (const engine::RunView& run : view.unfinished) {
    if (run.eta && run.started) {
      looked.expected_ms.emplace_back(run.id, (*run.eta - now).count());
    }
    if (!silence_all) continue;
    for (const std::string& host : run.hosts) looked.silenced.emplace_back(host, run.runbook);
  }
  metrics::Families page;
  api::AddViewMetrics(view, {}, &page);
  const auto silences = page.all().find(kSilences);
  if (silences == page.all().end()) return looked;
  for (const metrics::Sample& sample : silences->second.metric) {
    if (sample.gauge.value != 1) continue;
    looked.silenced.emplace_back(LabelOf(sample, "instance"), LabelOf(sample, "runbook"));
  }
  return looked;
}

}  // namespace mailhub::sim
