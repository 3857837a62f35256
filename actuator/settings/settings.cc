// See settings.h.
#include "actuator/settings/settings.h"

#include <filesystem>
#include <set>
#include <utility>

#include "actuator/settings/matcher.h"
#include "actuator/settings/prometheus_section.h"
#include "actuator/settings/taker.h"
#include "lib/config/yaml.h"

namespace mailhub::settings {
namespace {

using config::Node;

constexpr size_t kMostTriggers = 1'000;
constexpr size_t kMostMatchers = 32;
constexpr size_t kLongestName = 64;

void TakeWeb(Taker& take, const Node& node, WebSettings* web) {
  if (!node.Present()) return;
  take.OnlyKeys(node, {"listen_address", "config_file", "token_file"});
  take.Text(node["listen_address"], &web->listen_address);
  take.Path(node["config_file"], &web->config_file);
  take.Path(node["token_file"], &web->api_token_file);
}

void TakeMatchers(Taker& take, const Node& node, std::vector<engine::Matcher>* matchers) {
  take.Need(node, "a list of matchers like alertname=\"DirectoryMemoryHigh\"");
  if (take.failed()) return;
  const std::vector<Node> items = node.Items();
  if (items.empty()) return take.Bad(node, "expected a list of at least one matcher");
  if (items.size() > kMostMatchers) return take.Bad(node, "more than 32 matchers");
  for (const Node& item : items) {
    std::string text;
    take.Text(item, &text);
    if (take.failed()) return;
    Result<engine::Matcher> matcher = ParseMatcher(text);
    if (!matcher) return take.Bad(item, matcher.error().message);
    matchers->push_back(*std::move(matcher));
  }
}

// Which parameter is read from which label: LABEL, or {label: LABEL, strip_port: true}.
void TakeLabels(Taker& take, const Node& node, engine::Trigger* trigger) {
  if (!node.Present()) return;
  if (!node.IsMap()) return take.Bad(node, "expected a map from parameters to labels");
  for (const Node::Entry& entry : node.Entries()) {
    if (trigger->parameters.count(entry.key) > 0) {
      take.Bad(entry.key_node, "this parameter has a fixed value already");
    }
    Node name = entry.value;
    if (name.IsMap()) {
      take.OnlyKeys(name, {"label", "strip_port"});
      bool strip = false;
      take.Bool(name["strip_port"], &strip);
      if (strip) trigger->strip_port.insert(entry.key);
      name = name["label"];
    }
    take.Need(name, "a label's name");
    if (!name.IsScalar()) take.Bad(name, "expected a label's name or {label: NAME}");
    std::string text;
    take.Text(name, &text);
    if (take.failed()) return;
    Result<std::string> label = ParseLabelName(text);
    if (!label) return take.Bad(name, label.error().message);
    trigger->parameters_from_labels[entry.key] = *std::move(label);
  }
}

void TakeTrigger(Taker& take, const Node& node, engine::Trigger* trigger) {
  take.OnlyKeys(node, {"name", "match", "runbook", "parameters", "parameters_from_labels",
                       "only_if", "cooldown", "on_resolved"});
  take.Need(node["name"], "a name for this trigger");
  take.Text(node["name"], &trigger->name);
  if (trigger->name.size() > kLongestName) {
    take.Bad(node["name"], "longer than 64 characters");
  }
  TakeMatchers(take, node["match"], &trigger->matchers);
  take.Need(node["runbook"], "the name of a runbook");
  take.Text(node["runbook"], &trigger->runbook);
  take.Pairs(node["parameters"], &trigger->parameters);
  TakeLabels(take, node["parameters_from_labels"], trigger);
  take.Text(node["only_if"], &trigger->only_if);
  take.Duration(node["cooldown"], Milliseconds(0), &trigger->cooldown);
  std::string on_resolved = "finish";
  take.Text(node["on_resolved"], &on_resolved);
  if (on_resolved == "cancel") {
    trigger->on_resolved = engine::OnResolved::kCancel;
  } else if (on_resolved != "finish") {
    take.Bad(node["on_resolved"], "expected finish or cancel");
  }
}

void TakeTriggers(Taker& take, const Node& node, std::vector<PlacedTrigger>* triggers) {
  if (!node.Present()) return;
  if (!node.IsList()) return take.Bad(node, "expected a list of triggers");
  const std::vector<Node> items = node.Items();
  if (items.size() > kMostTriggers) return take.Bad(node, "more than 1000 triggers");
  std::set<std::string> names;
  for (const Node& item : items) {
    PlacedTrigger placed(item);
    TakeTrigger(take, item, &placed.trigger);
    if (take.failed()) return;
    if (!names.insert(placed.trigger.name).second) {
      return take.Bad(item["name"], "another trigger has this name");
    }
    triggers->push_back(std::move(placed));
  }
}

void TakeBounds(Taker& take, const Node& limits, const Node& poll, Settings* settings) {
  engine::EngineConfig& engine = settings->engine;
  if (limits.Present()) {
    take.OnlyKeys(limits, {"unfinished_runs", "open_episodes", "waiting_requests", "connections",
                           "patience"});
    take.Duration(limits["patience"], Milliseconds(1'000), &engine.patience);
    take.Count(limits["unfinished_runs"], 1, 10'000, &engine.most_unfinished_runs);
    take.Count(limits["open_episodes"], 1, 1'000'000, &engine.most_episodes);
    take.Count(limits["waiting_requests"], 1, 10'000, &settings->fixed.most_waiting);
    take.Count(limits["connections"], 10, 1'000, &settings->fixed.most_connections);
  }
  if (poll.Present()) {
    constexpr Milliseconds kLeast{10};
    take.OnlyKeys(poll, {"step", "job", "gate", "retry"});
    take.Duration(poll["step"], kLeast, &engine.poll_step);
    take.Duration(poll["job"], kLeast, &engine.poll_job);
    take.Duration(poll["gate"], kLeast, &engine.poll_gate);
    take.Duration(poll["retry"], kLeast, &engine.remote_retry);
  }
}

void TakeMode(Taker& take, const Node& node, engine::Mode* mode) {
  std::string word;
  take.Text(node, &word);
  if (word.empty()) return;
  if (const auto named = Named<engine::Mode>(word)) {
    *mode = *named;
  } else {
    take.Bad(node, "expected " + Choices<engine::Mode>());
  }
}

Result<Settings> Read(const Node& root, const std::string& path) {
  Taker take(std::filesystem::absolute(path).parent_path());
  Settings settings;
  settings.root = root;
  take.OnlyKeys(root, {"site", "runbooks", "journal", "mode", "web", "webhook", "prometheus",
                       "triggers", "limits", "poll"});
  take.Need(root["site"], "the path of the site file");
  take.Path(root["site"], &settings.site_file);
  take.Need(root["runbooks"], "the path of the runbooks' directory");
  take.Path(root["runbooks"], &settings.runbooks_directory);
  take.Need(root["journal"], "the path of the journal's file");
  take.Path(root["journal"], &settings.fixed.journal);
  TakeMode(take, root["mode"], &settings.fixed.first_mode);
  TakeWeb(take, root["web"], &settings.fixed.web);
  if (const Node webhook = root["webhook"]; webhook.Present()) {
    take.OnlyKeys(webhook, {"token_file"});
    take.Path(webhook["token_file"], &settings.fixed.webhook_token_file);
  }
  TakePrometheus(take, root["prometheus"], &settings.fixed.prometheus);
  TakeTriggers(take, root["triggers"], &settings.triggers);
  TakeBounds(take, root["limits"], root["poll"], &settings);
  if (take.failed()) return Fail(take.error());
  for (const PlacedTrigger& placed : settings.triggers) {
    settings.engine.triggers.push_back(placed.trigger);
  }
  return settings;
}

}  // namespace

Result<Settings> ParseSettings(const std::string& text, const std::string& path) {
  const Result<Node> root = config::ParseYaml(text, path);
  if (!root) return Fail(root.error());
  return Read(*root, path);
}

Result<Settings> LoadSettings(const std::string& path) {
  const Result<Node> root = config::LoadYaml(path);
  if (!root) return Fail(root.error());
  return Read(*root, path);
}

}  // namespace mailhub::settings
