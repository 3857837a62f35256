// See metrics.h.
#include "tests/sim/metrics.h"

#include <string_view>

#include "actuator/api/exposition.h"
#include "actuator/api/view_metrics.h"

namespace mailhub::sim {
namespace {

constexpr std::string_view kSilences = "mailhub_actuator_host_in_run{";

std::string Label(std::string_view line, std::string_view name) {
  const size_t at = line.find(std::string(name) + "=\"") + name.size() + 2;
  return std::string(line.substr(at, line.find('"', at) - at));
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
  api::Exposition page;
  api::AddViewMetrics(page, view, {});
  const std::string text = page.Text();
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with(kSilences) || !line.ends_with(" 1")) continue;
    looked.silenced.emplace_back(Label(line, "instance"), Label(line, "runbook"));
  }
  return looked;
}

}  // namespace mailhub::sim
