// See config_check.h.
#include "actuator/ctl/config_check.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include "actuator/configuration.h"
#include "actuator/ctl/text.h"
#include "actuator/runbook/library.h"
#include "actuator/runbook/runbook.h"
#include "actuator/surroundings.h"
#include "lib/base/counted.h"
#include "lib/config/site.h"
#include "lib/config/yaml.h"

namespace mailhub::ctl {
namespace {

int Report(const Error& error) {
  for (const std::string& line : PrintableLines(error.message))
    std::fprintf(stderr, "mailhubctl: %s\n", line.c_str());
  return 1;
}

int CheckActuator(const std::string& file) {
  const auto all = LoadConfiguration(file);
  if (!all) return Report(all.error());
  // Files may be missing on this machine and exist where the actuator runs.
  const auto warnings = CheckSurroundings(*all, all->settings.fixed.web);
  for (const std::string& warning : warnings) {
    std::fprintf(stderr, "mailhubctl: warning: %s\n", Printable(warning).c_str());
  }
  std::printf("%s: %s, %s, %s, no mistake", Printable(file).c_str(),
              Counted(all->settings.triggers.size(), "trigger").c_str(),
              Counted(all->runbooks->List().size(), "runbook").c_str(),
              Counted(all->site->hosts.size(), "host").c_str());
  if (!warnings.empty()) std::printf(" but %s", Counted(warnings.size(), "warning").c_str());
  std::printf("\n");
  return 0;
}

int CheckSite(const std::string& file, const std::string& runbooks) {
  auto site = config::LoadSite(file);
  if (!site) return Report(site.error());
  std::printf("%s: %s, no mistake\n", Printable(file).c_str(),
              Counted(site->hosts.size(), "host").c_str());
  if (runbooks.empty()) return 0;
  const auto shared = std::make_shared<const config::Site>(std::move(*site));
  const auto library = runbook::RunbookLibrary::Load(runbooks, shared);
  if (!library) return Report(library.error());
  for (const runbook::RunbookInfo& info : (*library)->List())
    std::printf("%s: %s: no mistake\n", Printable(runbooks).c_str(), Printable(info.name).c_str());
  return 0;
}

// A runbook alone: its form can be checked, but not the names in it.
int CheckRunbook(const config::Node& root, const std::string& file) {
  const auto book = runbook::ReadRunbook(root);
  if (!book) return Report(book.error());
  const std::string folder = std::filesystem::path(file).parent_path();
  return Report(root.Invalid("this is a runbook; whether its hosts, groups and gates are good is "
                             "checked with a site file: mailhubctl config check SITE.yml "
                             "--runbooks " +
                             (folder.empty() ? "." : folder))
                    .value());
}

}  // namespace

int ConfigCheck(const std::string& file, const std::string& runbooks) {
  const auto yaml = config::LoadYaml(file);
  if (!yaml) return Report(yaml.error());
  const auto has = [&](auto... keys) { return ((*yaml)[keys].Present() || ...); };
  if (has("site", "journal", "prometheus", "triggers")) return CheckActuator(file);
  if (has("runbook", "steps")) return CheckRunbook(*yaml, file);
  if (!has("ssh", "hosts", "groups")) {
    return Report(
        yaml->Invalid("expected an actuator's file (site, runbooks, journal, ...), a site "
                      "file (ssh, groups, hosts) or a runbook (runbook, steps, ...)")
            .value());
  }
  return CheckSite(file, runbooks);
}

}  // namespace mailhub::ctl
