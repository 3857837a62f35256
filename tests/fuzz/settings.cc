// The actuator's own file.
#include "actuator/settings/settings.h"

#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/yaml_text.h"

namespace mailhub::fuzz {
namespace {

using engine::Matcher;
using engine::Trigger;
using settings::Settings;

constexpr char kPath[] = "/etc/mailhub/actuator.yml";

std::string Written(const Matcher& matcher) {
  constexpr const char* kOps[] = {"=", "!=", "=~", "!~"};
  std::string value;
  for (const char c : matcher.value) {
    if (c == '"' || c == '\\') value += '\\';
    value += c;
  }
  return matcher.label + kOps[static_cast<size_t>(matcher.op)] + "\"" + value + "\"";
}

std::string Written(const std::map<std::string, std::string>& pairs) {
  std::string text = "{";
  for (const auto& [name, value] : pairs) {
    text += (text.size() > 1 ? ", ? " : "? ") + Quoted(name) + " : " + Quoted(value);
  }
  return text + "}";
}

std::string Ms(Milliseconds time) {
  return std::to_string(time.count()) + "ms";
}

std::string Written(const Trigger& trigger) {
  std::string text = "  - name: " + Quoted(trigger.name) + "\n    match:\n";
  for (const Matcher& matcher : trigger.matchers) {
    text += "      - " + Quoted(Written(matcher)) + "\n";
  }
  text += "    runbook: " + Quoted(trigger.runbook) + "\n";
  text += "    parameters: " + Written(trigger.parameters) + "\n";
  text += "    parameters_from_labels: " + Written(trigger.parameters_from_labels) + "\n";
  if (!trigger.only_if.empty()) text += "    only_if: " + Quoted(trigger.only_if) + "\n";
  text += "    cooldown: " + Ms(trigger.cooldown) + "\n";
  const bool cancel = trigger.on_resolved == engine::OnResolved::kCancel;
  return text + "    on_resolved: " + (cancel ? "cancel" : "finish") + "\n";
}

std::string Line(const std::string& key, const std::string& text) {
  return text.empty() ? "" : "  " + key + ": " + Quoted(text) + "\n";
}

std::string Written(const settings::ReceiverSettings& receiver) {
  const auto line = [](const std::string& key, const std::string& value) {
    return value.empty() ? "" : "    " + key + ": " + value + "\n";
  };
  const auto quoted = [&](const std::string& key, const std::string& value) {
    return value.empty() ? "" : line(key, Quoted(value));
  };
  std::string events;
  for (const notify::Happening event : receiver.events) {
    events += (events.empty() ? "" : ", ") + std::string(Name(event));
  }
  std::string text =
      "  - name: " + Quoted(receiver.name) + "\n" + quoted("url", receiver.url) +
      quoted("url_file", receiver.url_file) + line("format", Name(receiver.format)) +
      line("events", "[" + events + "]") + line("keep", Ms(receiver.keep)) +
      line("timeout", Ms(receiver.timeout)) + line("headers", Written(receiver.headers)) +
      line("header_files", Written(receiver.header_files)) + quoted("ca_file", receiver.ca_file) +
      quoted("bearer_token_file", receiver.bearer_token_file);
  if (receiver.basic_user.empty()) return text;
  return text + "    basic_auth: {username: " + Quoted(receiver.basic_user) +
         ", password_file: " + Quoted(receiver.basic_password_file) + "}\n";
}

std::string Addresses(const std::vector<std::string>& addresses) {
  std::string list;
  for (const std::string& address : addresses) list += (list.empty() ? "" : ", ") + Quoted(address);
  return "  listen_address: [" + list + "]\n";
}

std::string Written(const Settings& settings) {
  const settings::Fixed& fixed = settings.fixed;
  const engine::EngineConfig& engine = settings.engine;
  std::string text =
      "site: " + Quoted(settings.site_file) + "\nrunbooks: " + Quoted(settings.runbooks_directory) +
      "\njournal: " + Quoted(fixed.journal) + "\nmode: " + engine::Name(fixed.first_mode) +
      "\nweb:\n" + Addresses(fixed.web.listen_addresses) +
      Line("config_file", fixed.web.config_file) + Line("token_file", fixed.web.api_token_file);
  if (!fixed.webhook_token_file.empty()) {
    text += "webhook:\n" + Line("token_file", fixed.webhook_token_file);
  }
  const settings::PrometheusSettings& prometheus = fixed.prometheus;
  text += "prometheus:\n" + Line("url", prometheus.url) + Line("ca_file", prometheus.ca_file) +
          Line("bearer_token_file", prometheus.bearer_token_file) +
          "  timeout: " + Ms(prometheus.timeout) + "\n";
  if (!prometheus.basic_user.empty()) {
    text += "  basic_auth: {username: " + Quoted(prometheus.basic_user) +
            ", password_file: " + Quoted(prometheus.basic_password_file) + "}\n";
  }
  text += "limits:\n  unfinished_runs: " + std::to_string(engine.most_unfinished_runs) +
          "\n  open_episodes: " + std::to_string(engine.most_episodes) +
          "\n  waiting_requests: " + std::to_string(fixed.most_waiting) +
          "\n  connections: " + std::to_string(fixed.most_connections) +
          "\n  keep_decisions: " + Ms(fixed.keep_decisions) +
          "\n  keep_runs: " + Ms(fixed.keep_runs) + "\n";
  text += "poll:\n  step: " + Ms(engine.poll_step) + "\n  job: " + Ms(engine.poll_job) +
          "\n  gate: " + Ms(engine.poll_gate) + "\n  retry: " + Ms(engine.remote_retry) + "\n";
  if (!settings.receivers.empty()) text += "receivers:\n";
  for (const settings::ReceiverSettings& receiver : settings.receivers) text += Written(receiver);
  if (!engine.triggers.empty()) text += "triggers:\n";
  for (const Trigger& trigger : engine.triggers) text += Written(trigger);
  return text;
}

void DemandSound(const Settings& settings) {
  Demand(settings.triggers.size() == settings.engine.triggers.size(), "every trigger has a place");
  for (const std::string& path :
       {settings.site_file, settings.runbooks_directory, settings.fixed.journal}) {
    Demand(path.starts_with('/'), "a path is absolute", path);
    Demand(path.find('\0') == std::string::npos, "a path holds no NUL", path);
  }
  Demand(settings.fixed.most_connections >= 10 && settings.fixed.most_waiting >= 1,
         "limits keep their bounds");
  for (const settings::ReceiverSettings& receiver : settings.receivers) {
    Demand(receiver.url.empty() != receiver.url_file.empty() && !receiver.events.empty(),
           "a receiver has one place and some events", receiver.name);
    Demand(receiver.name.find_first_of("/ \"\n") == std::string::npos, "a name is a word",
           receiver.name);
  }
  for (const Trigger& trigger : settings.engine.triggers) {
    Demand(!trigger.name.empty() && !trigger.runbook.empty() && !trigger.matchers.empty(),
           "a trigger has a name, a runbook and matchers", trigger.name);
    Demand(trigger.cooldown.count() >= 0, "a cooldown is not negative", trigger.name);
  }
}

}  // namespace

void TrySettings(std::string_view bytes) {
  const auto settings = settings::ParseSettings(std::string(bytes), kPath);
  if (!settings) {
    Demand(settings.error().kind == ErrorKind::kInvalid, "a bad file is invalid");
    Demand(settings.error().message.starts_with(kPath), "a mistake has its file",
           settings.error().message);
    return DemandGoodMessage(settings.error());
  }
  DemandSound(*settings);
  const std::string written = Written(*settings);
  const auto again = settings::ParseSettings(written, kPath);
  if (!again)
    return Demand(false, "settings that were written are read: " + again.error().message, written);
  Demand(again->fixed == settings->fixed, "what is fixed is the same when read again", written);
  Demand(again->receivers == settings->receivers, "receivers are the same when read again",
         written);
  Demand(Written(*again) == written, "settings are the same when they are written and read",
         written);
}

}  // namespace mailhub::fuzz
