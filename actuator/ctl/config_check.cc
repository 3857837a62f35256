// See config_check.h.
#include "actuator/ctl/config_check.h"

#include <cstdio>
#include <memory>

#include "actuator/ctl/text.h"
#include "actuator/runbook/library.h"
#include "lib/config/site.h"

namespace mailhub::ctl {
namespace {

int Report(const Error& error) {
  for (const std::string& line : PrintableLines(error.message))
    std::fprintf(stderr, "mailhubctl: %s\n", line.c_str());
  return 1;
}

}  // namespace

int ConfigCheck(const std::string& file, const std::string& runbooks) {
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
