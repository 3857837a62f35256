// See trigger_check.h.
#include "actuator/trigger_check.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "actuator/condition/promql.h"

namespace mailhub {
namespace {

using Values = std::map<std::string, std::string>;

std::string Joined(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined.empty() ? "there are none" : "there are: " + joined;
}

// One trigger. Confined to one call of CheckTriggers.
class TriggerCheck {
 public:
  TriggerCheck(const settings::PlacedTrigger& placed, const runbook::RunbookInfo& runbook,
               const runbook::RunbookLibrary& library, const config::Site& site)
      : at_(placed.at),
        trigger_(placed.trigger),
        runbook_(runbook),
        library_(library),
        site_(site) {}

  Status Run() const {
    if (Status names = Names(); !names) return names;
    if (Status fixed = FixedValues(); !fixed) return fixed;
    std::vector<Values> cases = {trigger_.parameters};
    for (const auto& [name, label] : trigger_.parameters_from_labels) {
      const runbook::ParameterInfo& parameter = *Find(name);
      if (parameter.kind != "host") continue;  // any value that the runbook's bounds allow
      const auto hosts = HostsFrom(name, label, parameter.group);
      if (hosts.empty()) {
        return at_["parameters_from_labels"][name].Invalid(
            "no host of group " + parameter.group + " matches this trigger's matchers of label " +
            label + ", so every alert would be rejected");
      }
      for (Values& one : cases) one[name] = hosts.front();
      for (const std::string& host : hosts) {
        cases.push_back(cases.front());
        cases.back()[name] = host;
      }
    }
    for (const Values& one : cases) {
      if (Status made = Try(one); !made) return made;
    }
    return {};
  }

 private:
  const runbook::ParameterInfo* Find(const std::string& name) const {
    const auto found = std::ranges::find(runbook_.parameters, name, &runbook::ParameterInfo::name);
    return found == runbook_.parameters.end() ? nullptr : &*found;
  }

  std::string Known() const {
    std::vector<std::string> names;
    for (const auto& parameter : runbook_.parameters) names.push_back(parameter.name);
    return Joined(names);
  }

  Status Names() const {
    for (const char* key : {"parameters", "parameters_from_labels"}) {
      for (const auto& entry : at_[key].Entries()) {
        if (Find(entry.key) != nullptr) continue;
        return entry.key_node.Invalid("runbook " + runbook_.name + " has no such parameter; " +
                                      Known());
      }
    }
    for (const runbook::ParameterInfo& parameter : runbook_.parameters) {
      if (!parameter.optional && parameter.default_value.empty() &&
          !trigger_.parameters.contains(parameter.name) &&
          !trigger_.parameters_from_labels.contains(parameter.name)) {
        return at_["runbook"].Invalid("runbook " + runbook_.name + " needs the parameter \"" +
                                      parameter.name +
                                      "\"; expected it in parameters or parameters_from_labels");
      }
    }
    return {};
  }

  Status FixedValues() const {
    for (const auto& [name, value] : trigger_.parameters) {
      const auto bound = library_.Value(runbook_.name, name, value);
      if (!bound) return at_["parameters"][name].Invalid(bound.error().message);
    }
    return {};
  }

  // The hosts of the group that the label may name in an alert which the matchers let through.
  // Where a port is stripped, the matchers see another text than the host's name: any may come.
  std::vector<std::string> HostsFrom(const std::string& parameter, const std::string& label,
                                     const std::string& group) const {
    if (trigger_.strip_port.contains(parameter)) return site_.groups.at(group);
    std::vector<engine::Matcher> about;
    std::ranges::copy_if(trigger_.matchers, std::back_inserter(about),
                         [&](const engine::Matcher& matcher) { return matcher.label == label; });
    const auto matches = [&](const std::string& name) {
      return engine::Matches(about, {{label, name}});
    };
    std::vector<std::string> hosts;
    for (const std::string& name : site_.groups.at(group)) {
      if (matches(name) || std::ranges::any_of(site_.hosts.at(name).aliases, matches)) {
        hosts.push_back(name);
      }
    }
    return hosts;
  }

  Status Try(const Values& given) const {
    const auto plan = library_.Make(runbook_.name, given);
    if (!plan) {
      return at_["runbook"].Invalid(
          "with this trigger's values the runbook cannot be carried out: " + plan.error().message);
    }
    return trigger_.only_if.empty() ? Status() : Question(plan->parameters);
  }

  // The same filling as the engine's: every {{parameter}} that has a value, letter by letter.
  Status Question(const Values& values) const {
    const config::Node at = at_["only_if"];
    std::string expr = trigger_.only_if;
    for (size_t open = expr.find("{{"); open != std::string::npos; open = expr.find("{{", open)) {
      const size_t close = expr.find("}}", open);
      if (close == std::string::npos) return at.Invalid("a {{ without its }}");
      const std::string name = expr.substr(open + 2, close - open - 2);
      const auto value = values.find(name);
      if (value == values.end()) return at.Invalid(WhyUnfilled(name));
      expr.replace(open, close + 2 - open, value->second);
      open += value->second.size();
    }
    const std::string filled = expr == trigger_.only_if ? "" : "; filled in it is: " + expr;
    const auto read = condition::ReadGateExpression(expr);
    if (!read) return at.Invalid(read.error().message + filled);
    for (const condition::Selector& selector : read->selectors) {
      if (selector.instance.empty() || site_.FindHost(selector.instance) != nullptr) continue;
      return at.Invalid("instance=\"" + selector.instance + "\" is not in the site file" + filled);
    }
    return {};
  }

  std::string WhyUnfilled(const std::string& name) const {
    if (Find(name) != nullptr) {
      return "parameter {{" + name +
             "}} is optional and absent here; expected a value in parameters or "
             "parameters_from_labels";
    }
    if (name.find(' ') != std::string::npos) {
      return "expected a parameter's name without blanks, found {{" + name + "}}";
    }
    return "runbook " + runbook_.name + " has no parameter {{" + name + "}}; " + Known();
  }

  const config::Node& at_;
  const engine::Trigger& trigger_;
  const runbook::RunbookInfo& runbook_;
  const runbook::RunbookLibrary& library_;
  const config::Site& site_;
};

// Whether whatever the second matches is matched by the first, as far as that shows.
bool AnswersAllOf(const engine::Trigger& first, const engine::Trigger& second) {
  return std::ranges::all_of(first.matchers, [&](const engine::Matcher& one) {
    return std::ranges::any_of(second.matchers, [&](const engine::Matcher& other) {
      return one.label == other.label && one.op == other.op && one.value == other.value;
    });
  });
}

}  // namespace

Status CheckTriggers(const settings::Settings& settings, const runbook::RunbookLibrary& runbooks,
                     const config::Site& site) {
  const std::vector<runbook::RunbookInfo> known = runbooks.List();
  for (size_t i = 0; i < settings.triggers.size(); ++i) {
    const settings::PlacedTrigger& placed = settings.triggers[i];
    const auto runbook =
        std::ranges::find(known, placed.trigger.runbook, &runbook::RunbookInfo::name);
    if (runbook == known.end()) {
      std::vector<std::string> names;
      names.reserve(known.size());
      for (const auto& info : known) names.push_back(info.name);
      return placed.at["runbook"].Invalid("there is no runbook \"" + placed.trigger.runbook +
                                          "\"; " + Joined(names));
    }
    if (Status checked = TriggerCheck(placed, *runbook, runbooks, site).Run(); !checked) {
      return checked;
    }
    for (size_t before = 0; before < i; ++before) {
      const settings::PlacedTrigger& earlier = settings.triggers[before];
      if (!AnswersAllOf(earlier.trigger, placed.trigger)) continue;
      return placed.at["match"].Invalid(
          "trigger \"" + earlier.trigger.name + "\" in line " + std::to_string(earlier.at.Line()) +
          " answers all that this one matches; expected this one before it");
    }
  }
  return {};
}

}  // namespace mailhub
