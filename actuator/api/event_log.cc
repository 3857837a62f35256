// See event_log.h.
#include "actuator/api/event_log.h"

#include <utility>

namespace mailhub::api {
namespace {

constexpr size_t kMostRemembered = 5'000;
constexpr size_t kLongestLabels = 300;
constexpr size_t kLongestText = 500;

// Cuts between UTF-8 characters.
std::string Bounded(std::string text, size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0U) == 0x80U) --longest;
  text.resize(longest);
  return text + "...";
}

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (text.size() > kLongestLabels) break;
    if (!text.empty()) text += ", ";
    text += name + "=" + Bounded(value, kLongestLabels);
  }
  return Bounded(std::move(text), kLongestLabels);
}

// The lines that need no memory.
struct Say {
  const engine::Event& event;
  std::vector<LogLine>& lines;

  void Add(LogLevel level, const char* message, std::vector<LogField> fields) {
    std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
    for (auto& [name, value] : fields) value = Bounded(std::move(value), kLongestText);
    lines.push_back({level, message, std::move(fields)});
  }

  void operator()(const engine::AlertDecided& body) {
    const bool rejected = body.decision == engine::Decision::kRejected;
    Add(rejected ? LogLevel::kWarn : LogLevel::kInfo, "An alert is decided",
        {{"decision", Name(body.decision)},
         {"alert", body.alertname},
         {"fingerprint", body.fingerprint},
         {"trigger", body.trigger},
         {"run", body.run},
         {"by", body.by},
         {"detail", body.detail},
         {"labels", LabelsText(body.labels)}});
  }
  void operator()(const engine::ModeChanged& body) {
    Add(LogLevel::kInfo, "The mode has changed", {{"mode", Name(body.mode)}, {"by", body.by}});
  }
  void operator()(const engine::RunQueued& body) {
    Add(LogLevel::kInfo, "A run is queued",
        {{"run", event.run}, {"runbook", body.plan.runbook}, {"by", body.by}});
  }
  void operator()(const engine::RunDropped& body) {
    Add(LogLevel::kInfo, "A run is dropped", {{"run", event.run}, {"why", body.why}});
  }
  void operator()(const engine::RunHeld& body) {
    Add(LogLevel::kWarn, "A run holds",
        {{"run", event.run},
         {"step", body.path},
         {"reason", Name(body.reason)},
         {"detail", body.detail}});
  }
  void operator()(const engine::RunFinished& body) {
    Add(LogLevel::kInfo, "A run has finished",
        {{"run", event.run}, {"result", Name(body.result)}, {"detail", body.detail}});
  }
  void operator()(const engine::DeadManRestored& body) {
    Add(LogLevel::kWarn, "A host has acted by itself",
        {{"run", event.run}, {"step", body.path}, {"detail", body.detail}});
  }
  void operator()(const engine::OperatorActed& body) {
    Add(LogLevel::kInfo, "A run is told what to do",
        {{"run", event.run},
         {"verb", Name(body.verb)},
         {"step", body.path},
         {"by", body.by},
         {"detail", body.detail}});
  }
  void operator()(const engine::EpisodeClosed& body) {
    Add(LogLevel::kInfo, "A person has closed an episode",
        {{"fingerprint", body.fingerprint}, {"by", body.by}, {"detail", body.detail}});
  }
  void operator()(const engine::HostTakeover& body) {
    Add(LogLevel::kWarn, "A host is to be taken over",
        {{"host", body.host}, {"by", body.by}, {"detail", body.detail}});
  }
  // The program reports its own start, and the API the progress of a run.
  void operator()(const engine::ActuatorStarted&) {}
  void operator()(const engine::RunStarted&) {}
  void operator()(const engine::StepStarted&) {}
  void operator()(const engine::StepSettled&) {}
  void operator()(const engine::StepDone&) {}
  void operator()(const engine::DeadManArmed&) {}
  void operator()(const engine::DeadManDisarmed&) {}
  void operator()(const engine::RunEnding&) {}
  void operator()(const engine::RunSwept&) {}
};

}  // namespace

bool EventLog::SaidBefore(const engine::AlertDecided& decided) {
  const std::string key = decided.fingerprint + "/" + Bounded(decided.alertname, kLongestText);
  const auto [found, fresh] = said_.emplace(key, decided.decision);
  if (!fresh) return std::exchange(found->second, decided.decision) == decided.decision;
  order_.push_back(key);
  if (order_.size() > kMostRemembered) {
    said_.erase(order_.front());
    order_.pop_front();
  }
  return false;
}

std::vector<LogLine> EventLog::Lines(const engine::Event& event) {
  std::vector<LogLine> lines;
  const auto* decided = std::get_if<engine::AlertDecided>(&event.body);
  if (decided != nullptr && SaidBefore(*decided)) return lines;
  std::visit(Say{event, lines}, event.body);
  return lines;
}

}  // namespace mailhub::api
