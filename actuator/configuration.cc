// See configuration.h.
#include "actuator/configuration.h"

#include <algorithm>

namespace mailhub {
namespace {

Status CheckTrigger(const settings::PlacedTrigger& placed,
                    const std::vector<runbook::RunbookInfo>& runbooks) {
  const engine::Trigger& trigger = placed.trigger;
  const auto refuse = [&](const std::string& why) {
    return Fail(ErrorKind::kInvalid, placed.where + ": trigger \"" + trigger.name + "\": " + why);
  };
  const auto runbook = std::ranges::find(runbooks, trigger.runbook, &runbook::RunbookInfo::name);
  if (runbook == runbooks.end()) return refuse("there is no runbook \"" + trigger.runbook + "\"");
  const auto known = [&](const std::string& name) {
    return std::ranges::find(runbook->parameters, name, &runbook::ParameterInfo::name) !=
           runbook->parameters.end();
  };
  for (const auto& [name, value] : trigger.parameters) {
    if (!known(name))
      return refuse("runbook " + runbook->name + " has no parameter \"" + name + "\"");
  }
  for (const auto& [name, label] : trigger.parameters_from_labels) {
    if (!known(name))
      return refuse("runbook " + runbook->name + " has no parameter \"" + name + "\"");
  }
  for (const runbook::ParameterInfo& parameter : runbook->parameters) {
    if (!parameter.optional && parameter.default_value.empty() &&
        !trigger.parameters.contains(parameter.name) &&
        !trigger.parameters_from_labels.contains(parameter.name)) {
      return refuse("runbook " + runbook->name + " needs the parameter \"" + parameter.name + "\"");
    }
  }
  return {};
}

}  // namespace

Result<Configuration> LoadConfiguration(const std::string& path) {
  auto settings = settings::LoadSettings(path);
  if (!settings) return Fail(settings.error());
  auto site = config::LoadSite(settings->site_file);
  if (!site) return Fail(site.error());
  if (site->actuator_key.empty()) {
    return Fail(ErrorKind::kInvalid, settings->site_file + ": ssh.actuator_key: missing");
  }
  Configuration configuration;
  configuration.site = std::make_shared<const config::Site>(std::move(*site));
  auto runbooks = runbook::RunbookLibrary::Load(settings->runbooks_directory, configuration.site);
  if (!runbooks) return Fail(runbooks.error());
  configuration.runbooks = *std::move(runbooks);
  const auto known = configuration.runbooks->List();
  for (const settings::PlacedTrigger& trigger : settings->triggers) {
    if (Status checked = CheckTrigger(trigger, known); !checked) return Fail(checked.error());
  }
  configuration.settings = *std::move(settings);
  return configuration;
}

}  // namespace mailhub
