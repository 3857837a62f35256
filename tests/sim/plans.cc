// See plans.h.
#include "tests/sim/plans.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "actuator/runbook/library.h"

namespace mailhub::sim {
namespace {

std::shared_ptr<const runbook::RunbookLibrary> Load() {
  auto site = config::LoadSite(MAILHUB_SOURCE_DIR "/tests/lab/config/site.yml");
  if (site) {
    auto library =
        runbook::RunbookLibrary::Load(MAILHUB_SOURCE_DIR "/actuator/runbooks",
                                      std::make_shared<const config::Site>(std::move(*site)));
    if (library) return *library;
    std::fprintf(stderr, "%s\n", library.error().message.c_str());
  } else {
    std::fprintf(stderr, "%s\n", site.error().message.c_str());
  }
  std::abort();
}

}  // namespace

const Result<engine::Plan>& ShippedPlan(const std::string& runbook,
                                        const std::map<std::string, std::string>& parameters) {
  static const std::shared_ptr<const runbook::RunbookLibrary> library = Load();
  // One a thread: no lock on the way of every alert.
  thread_local std::map<std::pair<std::string, std::map<std::string, std::string>>,
                        Result<engine::Plan>>
      kept;
  const auto key = std::make_pair(runbook, parameters);
  const auto found = kept.find(key);
  if (found != kept.end()) return found->second;
  return kept.emplace(key, library->Make(runbook, parameters)).first->second;
}

std::map<std::string, std::string> ShortWindows() {
  return {{"fresh_window", "5s"},
          {"quiet_window", "10s"},
          {"quiet_for", "3s"},
          {"quiet_timeout", "10m"}};
}

}  // namespace mailhub::sim
