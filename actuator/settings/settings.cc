// See settings.h.
#include "actuator/settings/settings.h"

#include <set>
#include <utility>

#include "actuator/settings/matcher.h"
#include "actuator/settings/prometheus_section.h"
#include "actuator/settings/receivers_section.h"
#include "lib/config/reader.h"

namespace mailhub::settings {
namespace {

using config::AtLeast;
using config::Node;
using config::PathFromFile;
using config::Reader;

constexpr size_t kMostTriggers = 1'000;
constexpr size_t kMostMatchers = 32;
constexpr size_t kLongestName = 64;
constexpr size_t kMostCalendarNames = 16;
constexpr int kMostAttempts = 10;
constexpr size_t kMostLogins = 1'000;
constexpr size_t kLongestCalendarName = 120;

Result<engine::Role> ReadRole(const Node& node) {
  const auto word = config::ReadString(node);
  if (!word) return Fail(word.error());
  if (const auto role = Named<engine::Role>(*word)) return *role;
  return node.Invalid("expected " + Choices<engine::Role>());
}

// Login: ROLE, or a list of roles.
void ReadRoles(Reader& in, const Node& node, std::map<std::string, engine::Roles>* roles) {
  if (!node.Present()) return;
  if (!node.IsMap()) in.Keep(node.Invalid("expected a map from logins to roles"));
  for (const Node::Entry& entry : node.Entries()) {
    if (in.Failed()) return;
    if (roles->size() >= kMostLogins) in.Keep(node.Invalid("more than 1000 logins"));
    if (Named<engine::Role>(entry.key)) {
      in.Keep(entry.key_node.Invalid("a role's word; a `confirm` could not tell them apart"));
    }
    const Node& value = entry.value;
    const std::vector<Node> items = value.IsList() ? value.Items() : std::vector<Node>{value};
    if (items.empty()) in.Keep(value.Invalid("expected " + Choices<engine::Role>()));
    engine::Roles& own = (*roles)[entry.key];
    for (const Node& item : items) own.insert(in.Required(item, ReadRole));
    if (own.size() > 1 && own.contains(engine::Role::kViewer)) {
      in.Keep(value.Invalid("a viewer may only look; expected viewer alone"));
    }
  }
}

// One, or a list of them.
Result<std::vector<std::string>> Addresses(const Node& node) {
  if (node.IsList()) {
    auto addresses = config::ReadStrings(node);
    if (addresses && addresses->empty()) return node.Invalid("expected an address and a port");
    return addresses;
  }
  auto address = config::ReadString(node);
  if (!address) return Fail(address.error());
  return std::vector{*std::move(address)};
}

void ReadWeb(Reader& in, const Node& node, WebSettings* web) {
  if (!node.Present()) return;
  in.Keys(node, {"listen_address", "config_file", "token_file", "roles"});
  in.Optional(node["listen_address"], &web->listen_addresses, Addresses);
  in.Optional(node["config_file"], &web->config_file, PathFromFile);
  in.Optional(node["token_file"], &web->api_token_file, PathFromFile);
  ReadRoles(in, node["roles"], &web->roles);
  if (node["roles"].Present()) in.Need(node["config_file"], "a file with the logins");
}

// What `parse` makes of the text; a mistake in it is reported at its place.
template <typename T>
Result<T> Parsed(const Node& node, Result<T> (*parse)(std::string_view)) {
  const auto text = config::ReadString(node);
  if (!text) return Fail(text.error());
  auto parsed = parse(*text);
  if (!parsed) return node.Invalid(parsed.error().message);
  return parsed;
}

std::vector<engine::Matcher> ReadMatchers(Reader& in, const Node& node) {
  in.Need(node, "a list of matchers like alertname=\"DirectoryMemoryHigh\"");
  const std::vector<Node> items = node.Items();
  if (items.empty()) in.Keep(node.Invalid("expected a list of at least one matcher"));
  if (items.size() > kMostMatchers) in.Keep(node.Invalid("more than 32 matchers"));
  std::vector<engine::Matcher> matchers;
  for (const Node& item : items) {
    if (in.Failed()) break;
    matchers.push_back(in.Required(item, Parsed<engine::Matcher>, ParseMatcher));
  }
  return matchers;
}

// Which parameter is read from which label: LABEL, or {label: LABEL, strip_port: true}.
void ReadLabels(Reader& in, const Node& node, engine::Trigger* trigger) {
  if (!node.Present()) return;
  if (!node.IsMap()) in.Keep(node.Invalid("expected a map from parameters to labels"));
  for (const Node::Entry& entry : node.Entries()) {
    if (trigger->parameters.contains(entry.key)) {
      in.Keep(entry.key_node.Invalid("this parameter has a fixed value already"));
    }
    Node name = entry.value;
    if (name.IsMap()) {
      in.Keys(name, {"label", "strip_port"});
      bool strip = false;
      in.Optional(name["strip_port"], &strip, config::ReadBool);
      if (strip) trigger->strip_port.insert(entry.key);
      name = name["label"];
    }
    in.Need(name, "a label's name");
    if (!name.IsScalar()) in.Keep(name.Invalid("expected a label's name or {label: NAME}"));
    if (in.Failed()) return;
    trigger->parameters_from_labels[entry.key] =
        in.Required(name, Parsed<std::string>, ParseLabelName);
  }
}

std::vector<std::string> ReadCalendarNames(Reader& in, const Node& node) {
  std::vector<std::string> names;
  if (!node.Present()) return names;
  if (!node.IsList()) in.Keep(node.Invalid("expected a list of names of the calendar"));
  const std::vector<Node> items = node.Items();
  if (items.empty() || items.size() > kMostCalendarNames) {
    in.Keep(node.Invalid("expected 1 to 16 names of the calendar"));
  }
  for (const Node& item : items) {
    if (in.Failed()) break;
    std::string name = in.Required(item, config::ReadString);
    if (name.empty() || name.size() > kLongestCalendarName) {
      in.Keep(item.Invalid("expected a name of 1 to 120 characters"));
    }
    names.push_back(std::move(name));
  }
  return names;
}

void ReadTrigger(Reader& in, const Node& node, engine::Trigger* trigger) {
  in.Keys(node,
          {"name", "match", "runbook", "parameters", "parameters_from_labels", "only_if",
           "cooldown", "on_resolved", "attempts", "still_firing_after", "windows", "blackouts"});
  in.Need(node["name"], "a name for this trigger");
  trigger->name = in.Required(node["name"], config::ReadString);
  if (trigger->name.size() > kLongestName) {
    in.Keep(node["name"].Invalid("longer than 64 characters"));
  }
  trigger->matchers = ReadMatchers(in, node["match"]);
  in.Need(node["runbook"], "the name of a runbook");
  trigger->runbook = in.Required(node["runbook"], config::ReadString);
  in.Optional(node["parameters"], &trigger->parameters, config::Pairs);
  ReadLabels(in, node["parameters_from_labels"], trigger);
  in.Optional(node["only_if"], &trigger->only_if, config::ReadString);
  in.Optional(node["cooldown"], &trigger->cooldown, AtLeast, Milliseconds(0));
  in.Optional(node["attempts"], &trigger->attempts, config::ReadInt, 1, kMostAttempts);
  in.Optional(node["still_firing_after"], &trigger->still_firing_after, AtLeast,
              Milliseconds(60'000));
  trigger->suitable = {ReadCalendarNames(in, node["windows"]),
                       ReadCalendarNames(in, node["blackouts"])};
  std::string on_resolved = "finish";
  in.Optional(node["on_resolved"], &on_resolved, config::ReadString);
  if (on_resolved == "cancel") {
    trigger->on_resolved = engine::OnResolved::kCancel;
  } else if (on_resolved != "finish") {
    in.Keep(node["on_resolved"].Invalid("expected finish or cancel"));
  }
}

void ReadTriggers(Reader& in, const Node& node, std::vector<PlacedTrigger>* triggers) {
  if (!node.Present()) return;
  if (!node.IsList()) in.Keep(node.Invalid("expected a list of triggers"));
  const std::vector<Node> items = node.Items();
  if (items.size() > kMostTriggers) in.Keep(node.Invalid("more than 1000 triggers"));
  std::set<std::string> names;
  for (const Node& item : items) {
    if (in.Failed()) return;
    PlacedTrigger placed(item);
    ReadTrigger(in, item, &placed.trigger);
    if (!names.insert(placed.trigger.name).second) {
      in.Keep(item["name"].Invalid("another trigger has this name"));
    }
    triggers->push_back(std::move(placed));
  }
}

void ReadBounds(Reader& in, const Node& limits, const Node& poll, Settings* settings) {
  engine::EngineConfig& engine = settings->engine;
  if (limits.Present()) {
    in.Keys(limits, {"unfinished_runs", "open_episodes", "waiting_requests", "connections",
                     "patience", "keep_decisions", "keep_runs"});
    constexpr Milliseconds kShortestKept{24 * 3'600'000};
    in.Optional(limits["keep_decisions"], &settings->fixed.keep_decisions, AtLeast, kShortestKept);
    in.Optional(limits["keep_runs"], &settings->fixed.keep_runs, AtLeast, kShortestKept);
    in.Optional(limits["patience"], &engine.patience, AtLeast, Milliseconds(1'000));
    in.Optional(limits["unfinished_runs"], &engine.most_unfinished_runs, config::ReadInt, 1,
                10'000);
    in.Optional(limits["open_episodes"], &engine.most_episodes, config::ReadInt, 1, 1'000'000);
    in.Optional(limits["waiting_requests"], &settings->fixed.most_waiting, config::ReadInt, 1,
                10'000);
    in.Optional(limits["connections"], &settings->fixed.most_connections, config::ReadInt, 10,
                1'000);
  }
  if (poll.Present()) {
    constexpr Milliseconds kLeast{10};
    in.Keys(poll, {"step", "job", "gate", "retry"});
    in.Optional(poll["step"], &engine.poll_step, AtLeast, kLeast);
    in.Optional(poll["job"], &engine.poll_job, AtLeast, kLeast);
    in.Optional(poll["gate"], &engine.poll_gate, AtLeast, kLeast);
    in.Optional(poll["retry"], &engine.remote_retry, AtLeast, kLeast);
  }
}

Result<engine::Mode> ReadMode(const Node& node) {
  const auto word = config::ReadString(node);
  if (!word) return Fail(word.error());
  if (const auto named = Named<engine::Mode>(*word)) return *named;
  return node.Invalid("expected " + Choices<engine::Mode>());
}

std::string ReadPath(Reader& in, const Node& node, std::string_view what) {
  in.Need(node, what);
  return in.Required(node, PathFromFile);
}

Result<Settings> ReadRoot(const Node& root) {
  Reader in;
  Settings settings;
  in.Keys(root, {"site", "runbooks", "calendar", "journal", "mode", "web", "webhook", "prometheus",
                 "triggers", "receivers", "limits", "poll"});
  settings.site_file = ReadPath(in, root["site"], "the path of the site file");
  settings.runbooks_directory =
      ReadPath(in, root["runbooks"], "the path of the runbooks' directory");
  in.Optional(root["calendar"], &settings.calendar_file, PathFromFile);
  settings.fixed.journal = ReadPath(in, root["journal"], "the path of the journal's file");
  in.Optional(root["mode"], &settings.fixed.first_mode, ReadMode);
  ReadWeb(in, root["web"], &settings.fixed.web);
  if (const Node webhook = root["webhook"]; webhook.Present()) {
    in.Keys(webhook, {"token_file"});
    in.Optional(webhook["token_file"], &settings.fixed.webhook_token_file, PathFromFile);
  }
  ReadPrometheus(in, root["prometheus"], &settings.fixed.prometheus);
  ReadTriggers(in, root["triggers"], &settings.triggers);
  ReadReceivers(in, root["receivers"], &settings.receivers);
  ReadBounds(in, root["limits"], root["poll"], &settings);
  for (const PlacedTrigger& placed : settings.triggers) {
    settings.engine.triggers.push_back(placed.trigger);
  }
  return in.Finish(std::move(settings));
}

Result<Settings> Read(const Node& root) {
  Result<Settings> settings = ReadRoot(root);
  if (settings) settings->root = root;
  return settings;
}

}  // namespace

Result<Settings> ParseSettings(const std::string& text, const std::string& path) {
  const Result<Node> root = config::ParseYaml(text, path);
  if (!root) return Fail(root.error());
  return Read(*root);
}

Result<Settings> LoadSettings(const std::string& path) {
  const Result<Node> root = config::LoadYaml(path);
  if (!root) return Fail(root.error());
  return Read(*root);
}

}  // namespace mailhub::settings
