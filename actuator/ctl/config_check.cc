// See config_check.h.
#include "actuator/ctl/config_check.h"

#include <cstdio>
#include <memory>

#include "actuator/configuration.h"
#include "actuator/ctl/text.h"
#include "actuator/runbook/library.h"
#include "lib/config/site.h"
#include "lib/config/yaml.h"

namespace mailhub::ctl {
namespace {

int Report(const Error& error) {
  for (const std::string& line : PrintableLines(error.message))
    std::fprintf(stderr, "mailhubctl: %s\n", line.c_str());
  return 1;
}

}  // namespace

int ConfigCheck(const std::string& file, const std::string& runbooks) {
  const auto yaml = config::LoadYaml(file);
  if (!yaml) return Report(yaml.error());
  // Only the actuator's own file says where the site file is.
  if ((*yaml)["site"].Present()) {
    const auto all = LoadConfiguration(file);
    if (!all) return Report(all.error());
    std::printf("%s: %zu triggers, %zu runbooks, %zu hosts, no mistake\n", Printable(file).c_str(),
                all->settings.triggers.size(), all->runbooks->List().size(),
                all->site->hosts.size());
    return 0;
  }
  auto site = config::LoadSite(file);
  if (!site) return Report(site.error());
  std::printf("%s: %zu hosts, no mistake\n", Printable(file).c_str(), site->hosts.size());
  if (runbooks.empty()) return 0;
  const auto shared = std::make_shared<const config::Site>(std::move(*site));
  const auto library = runbook::RunbookLibrary::Load(runbooks, shared);
  if (!library) return Report(library.error());
  for (const runbook::RunbookInfo& info : (*library)->List())
    std::printf("%s: %s: no mistake\n", Printable(runbooks).c_str(), Printable(info.name).c_str());
  return 0;
}

}  // namespace mailhub::ctl
