// See gates.h.
#include "actuator/runbook/gates.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "actuator/condition/promql.h"
#include "lib/base/duration.h"

namespace mailhub::runbook {
namespace {

using Hosts = std::set<std::string>;

// Of a gate with `for` and no range.
constexpr Milliseconds kForWindow{60'000};

bool GivesMarks(const std::string& host, const config::Site& site) {
  return site.hosts.at(host).platform != config::Platform::kWindows;
}

// The hosts that the expression names with instance="...".
Result<Hosts> Read(const GateText& text, const condition::GateExpression& expression,
                   const config::Site& site) {
  Hosts read;
  for (const condition::Selector& selector : expression.selectors) {
    if (selector.instance.empty()) continue;
    if (!site.hosts.contains(selector.instance)) {
      return text.expr.at.Invalid("instance=\"" + selector.instance + "\" is not in the site file");
    }
    read.insert(selector.instance);
  }
  return read;
}

Result<Hosts> About(const GateText& text, const Hosts& read, const Scope& scope,
                    const config::Site& site, const std::string& host) {
  const auto marks = [&](const std::string& name) { return GivesMarks(name, site); };
  Hosts about;
  for (const Text& one : text.about) {
    const auto named = FillHost(one, scope, site);
    if (!named) return Fail(named.error());
    if (!marks((*named)->name)) {
      return one.at.Invalid(
          "a Windows host gives no mark; name it in the expression instead, with instance=\"" +
          (*named)->name + "\"");
    }
    about.insert((*named)->name);
  }
  if (text.about.empty()) {
    std::ranges::copy_if(read, std::inserter(about, about.end()), marks);
    if (!host.empty()) about.insert(host);
  }
  if (about.empty() && read.empty()) {
    return text.expr.at.Invalid("names no host with instance=\"...\"; expected `about`");
  }
  for (const std::string& name : read) {
    if (!about.contains(name) && marks(name)) {
      return text.expr.at.Invalid("reads " + name + ", which `about` leaves out");
    }
  }
  return about;
}

Status CheckSpans(const GateText& text, const engine::Gate& gate, Milliseconds longest_range) {
  const auto at = [&](const std::optional<Text>& part) { return part ? part->at : text.expr.at; };
  if (text.window && gate.window.count() <= 0) {
    return at(text.window).Invalid("expected a window above 0s");
  }
  if (gate.window < longest_range) {
    return at(text.window)
        .Invalid("a window of " + FormatDuration(gate.window) +
                 " is shorter than the expression's range [" + FormatDuration(longest_range) + "]");
  }
  const Milliseconds least = gate.window + gate.hold_for;
  if (gate.timeout <= least) {
    return at(text.timeout)
        .Invalid("a timeout of " + FormatDuration(gate.timeout) +
                 " ends before window and `for` (" + FormatDuration(least) +
                 ") are over: the gate could never open");
  }
  return {};
}

}  // namespace

Result<Milliseconds> FillDuration(const std::optional<Text>& text, const Scope& scope,
                                  Milliseconds otherwise) {
  if (!text) return otherwise;
  const auto filled = scope.Fill(*text);
  if (!filled) return Fail(filled.error());
  const auto duration = ParseDuration(*filled);
  if (!duration) return text->at.Invalid(duration.error().message);
  return *duration;
}

Result<const config::Host*> FillHost(const Text& text, const Scope& scope,
                                     const config::Site& site) {
  const auto name = scope.Fill(text);
  if (!name) return Fail(name.error());
  const auto host = site.hosts.find(*name);
  if (host != site.hosts.end()) return &host->second;
  return text.at.Invalid("expected a host of the site file, found \"" + *name + "\"");
}

Result<engine::Gate> ExpandGate(const GateText& text, const Scope& scope, const config::Site& site,
                                const std::string& host) {
  engine::Gate gate;
  gate.expect = text.expect;
  const auto expr = scope.Fill(text.expr);
  if (!expr) return Fail(expr.error());
  gate.expr = *expr;
  const auto expression = condition::ReadGateExpression(gate.expr);
  if (!expression) return text.expr.at.Invalid(expression.error().message);
  const auto read = Read(text, *expression, site);
  if (!read) return Fail(read.error());
  const auto about = About(text, *read, scope, site, host);
  if (!about) return Fail(about.error());
  gate.about.assign(about->begin(), about->end());
  const Milliseconds range = expression->longest_range;
  const auto hold_for = FillDuration(text.hold_for, scope, Milliseconds(0));
  if (!hold_for) return Fail(hold_for.error());
  const bool newest_alone = range.count() == 0 && hold_for->count() == 0;
  const auto window = FillDuration(text.window, scope,
                                   newest_alone        ? Milliseconds(0)
                                   : range.count() > 0 ? range
                                                       : kForWindow);
  if (!window) return Fail(window.error());
  gate.window = *window;
  gate.hold_for = *hold_for;
  const Milliseconds least = gate.window + gate.hold_for;
  const auto timeout = FillDuration(text.timeout, scope, std::max(gate.timeout, 2 * least));
  if (!timeout) return Fail(timeout.error());
  gate.timeout = *timeout;
  if (const Status spans = CheckSpans(text, gate, range); !spans) return Fail(spans.error());
  return gate;
}

}  // namespace mailhub::runbook
