// See settings.h.
#include "actuator/settings/settings.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "actuator/settings/matcher.h"
#include "lib/config/yaml.h"

namespace mailhub::settings {
namespace {

using config::Node;

constexpr size_t kMostTriggers = 1'000;
constexpr size_t kMostMatchers = 32;
constexpr size_t kLongestName = 64;

// Fills in what is there and stops at the first mistake. All Take... leave `out` alone when the key
// is missing.
class Taker {
 public:
  explicit Taker(std::string directory) : directory_(std::move(directory)) {}

  void OnlyKeys(const Node& node, std::initializer_list<std::string_view> known) {
    Keep(node.OnlyKeys(known));
  }
  void Text(const Node& node, std::string* out) {
    if (Skip(node)) return;
    Store(node.String(), out);
  }
  void Path(const Node& node, std::string* out) {
    if (Skip(node)) return;
    Store(node.String(), out);
    if (!failed_) *out = (std::filesystem::path(directory_) / *out).lexically_normal();
  }
  template <typename Number>
  void Count(const Node& node, int least, int greatest, Number* out) {
    if (Skip(node)) return;
    const Result<int> number = node.Int(least, greatest);
    if (Keep(number)) *out = static_cast<Number>(*number);
  }
  void Duration(const Node& node, Milliseconds least, Milliseconds* out) {
    if (Skip(node)) return;
    const Result<Milliseconds> duration = node.Duration();
    if (!Keep(duration)) return;
    if (*duration < least) return Bad(node, "shorter than " + std::to_string(least.count()) + "ms");
    *out = *duration;
  }
  // A map from names to scalars.
  void Pairs(const Node& node, std::map<std::string, std::string>* out) {
    if (Skip(node)) return;
    if (!node.IsMap()) return Note(node.Expected("a map from names to values"));
    for (const Node::Entry& entry : node.Entries()) {
      Store(entry.value.String(), &(*out)[entry.key]);
      if (failed_) return;
    }
  }
  void Need(const Node& node, std::string_view what) {
    if (!failed_ && !node.Present()) Note(node.Expected(what));
  }
  void Bad(const Node& node, const std::string& message) { Note(node.Invalid(message)); }

  bool failed() const { return failed_.has_value(); }
  Error error() const { return *failed_; }

 private:
  bool Skip(const Node& node) const { return failed_ || !node.Present(); }
  template <typename T>
  bool Keep(const Result<T>& result) {
    if (!result && !failed_) failed_ = result.error();
    return !failed_;
  }
  void Note(const tl::unexpected<Error>& error) {
    if (!failed_) failed_ = error.value();
  }
  void Store(Result<std::string> text, std::string* out) {
    if (Keep(text)) *out = *std::move(text);
  }

  const std::string directory_;
  std::optional<Error> failed_;
};

void TakeWeb(Taker& take, const Node& node, WebSettings* web) {
  if (!node.Present()) return;
  take.OnlyKeys(node, {"listen_address", "config_file", "token_file"});
  take.Text(node["listen_address"], &web->listen_address);
  take.Path(node["config_file"], &web->config_file);
  take.Path(node["token_file"], &web->api_token_file);
}

void TakePrometheus(Taker& take, const Node& node, PrometheusSettings* prometheus) {
  take.Need(node, "a map with the url of a Prometheus");
  take.OnlyKeys(node, {"url", "ca_file", "basic_auth", "bearer_token_file", "timeout"});
  const Node url = node["url"];
  take.Need(url, "a URL like http://127.0.0.1:9090");
  take.Text(url, &prometheus->url);
  while (prometheus->url.ends_with('/')) prometheus->url.pop_back();  // "http://" names no server
  if (!take.failed() && !prometheus->url.starts_with("http://") &&
      !prometheus->url.starts_with("https://")) {
    take.Bad(url, "expected a URL that begins with http:// or https://");
  }
  take.Path(node["ca_file"], &prometheus->ca_file);
  take.Path(node["bearer_token_file"], &prometheus->bearer_token_file);
  take.Duration(node["timeout"], Milliseconds(100), &prometheus->timeout);
  const Node basic = node["basic_auth"];
  if (!basic.Present()) return;
  take.OnlyKeys(basic, {"username", "password_file"});
  take.Need(basic["username"], "a user's name");
  take.Need(basic["password_file"], "the file that holds the password");
  take.Text(basic["username"], &prometheus->basic_user);
  take.Path(basic["password_file"], &prometheus->basic_password_file);
  if (!prometheus->bearer_token_file.empty()) {
    take.Bad(basic, "basic_auth and bearer_token_file exclude each other");
  }
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

// Which parameter is read from which label: LABEL, or {label: LABEL}.
void TakeLabels(Taker& take, const Node& node, engine::Trigger* trigger) {
  if (!node.Present()) return;
  if (!node.IsMap()) return take.Bad(node, "expected a map from parameters to labels");
  for (const Node::Entry& entry : node.Entries()) {
    if (trigger->parameters.count(entry.key) > 0) {
      take.Bad(entry.key_node, "this parameter has a fixed value already");
    }
    Node name = entry.value;
    if (name.IsMap()) {
      take.OnlyKeys(name, {"label"});
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
    take.OnlyKeys(limits, {"unfinished_runs", "open_episodes", "waiting_requests", "connections"});
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
  std::string text;
  take.Text(node, &text);
  if (text == "observe") {
    *mode = engine::Mode::kObserve;
  } else if (text == "halted") {
    *mode = engine::Mode::kHalted;
  } else if (!text.empty() && text != "active") {
    take.Bad(node, "expected active, observe or halted");
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
