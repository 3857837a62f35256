// Renders the journal's plans, events, decisions and finished runs as JSON.
#include <cctype>
#include <string_view>
#include <type_traits>
#include <utility>

#include "actuator/api/json_values.h"
#include "actuator/api/render.h"
#include "actuator/engine/fields.h"
#include "lib/http/server.h"

namespace mailhub::api {
namespace {

constexpr size_t kLongestPage = size_t{1} << 20;

// What the API calls a field of the journal: "starts_at_ms" is startsAt, "after_ms" afterSeconds.
std::string ApiName(std::string_view field, std::string_view unit) {
  if (field == "hold_for_ms") return "forSeconds";
  if (field == "directory_id") return "receiptsAt";
  if (field == "why") return "detail";
  std::string name;
  if (field.ends_with("_ms")) field.remove_suffix(3);
  for (size_t i = 0; i < field.size(); ++i) {
    const bool next_word = field[i] == '_' && i + 1 < field.size();
    name += next_word ? static_cast<char>(std::toupper(field[++i])) : field[i];
  }
  return name.append(unit);
}

// Writes fields for the API. Takes mutable references, as all archives do; changes nothing.
class Shown {
 public:
  template <typename T>
  void operator()(const char* field, T& value) {
    json_[ApiName(field, std::is_same_v<T, Milliseconds> ? "Seconds" : "")] = ToValue(value);
  }
  void operator()(const char* field, std::optional<Milliseconds>& value) {
    json_[ApiName(field, "Seconds")] = SecondsOf(value);
  }
  void operator()(const char* field, bool& value) {
    if (std::string_view(field) == "firing") {
      json_["status"] = value ? "firing" : "resolved";
    } else {
      json_[ApiName(field, "")] = value;
    }
  }
  // Its fields belong to the event itself.
  void operator()(const char*, engine::Receipt& receipt) {
    const bool finished = receipt.state == engine::ReceiptState::kFinished;
    json_["receipt"] = Name(receipt.state);
    json_["exitStatus"] = finished ? Json(receipt.exit_status) : Json(nullptr);
    json_["tookSeconds"] = finished ? Json(ToSeconds(receipt.duration)) : Json(nullptr);
    json_["output"] = receipt.output;
    json_["outputTruncated"] = receipt.truncated;
  }
  // An owed step is shown like any other, with the begin and end of its debt.
  void operator()(const char*, engine::Step& step) { Fields(*this, step); }
  template <typename T>
  void Added(const char* field, T& value) {
    (*this)(field, value);
  }
  void Plan(const char* field, engine::Plan& plan) { (*this)(field, plan); }
  Json Take() { return std::move(json_); }

 private:
  template <typename T>
  Json ToValue(T& value) {
    if constexpr (std::is_same_v<T, WallTime>) {
      return Time(value);
    } else if constexpr (std::is_same_v<T, Milliseconds>) {
      return ToSeconds(value);
    } else if constexpr (std::is_enum_v<T>) {
      return Name(value);
    } else if constexpr (requires { Fields(*this, value); }) {
      Shown inner;
      Fields(inner, value);
      return inner.Take();
    } else {
      return value;
    }
  }
  template <typename T>
  Json ToValue(std::optional<T>& value) {
    return value ? ToValue(*value) : Json(nullptr);
  }
  template <typename T>
  requires requires(T& item) { Fields(std::declval<Shown&>(), item); }
  Json ToValue(std::vector<T>& values) {
    Json list = Json::array();
    for (T& value : values) list.push_back(ToValue(value));
    return list;
  }

  Json json_ = Json::object();
};

template <typename T>
Json Show(const T& value) {
  Shown shown;
  Fields(shown, const_cast<T&>(value));  // NOLINT: see Shown
  return shown.Take();
}

// The event's fields beside kind, time and run.
Json ToJson(const engine::EventBody& body) {
  Json json = std::visit([](const auto& value) { return Show(value); }, body);
  // Only a hold's number is useful to people.
  const auto* acted = std::get_if<engine::OperatorActed>(&body);
  if (acted != nullptr && acted->hold <= engine::kNoHold) json.erase("hold");
  return json;
}

Json ToJson(const engine::PastRun& run) {
  return {{"seq", run.seq},
          {"id", run.id},
          {"runbook", run.runbook},
          {"target", run.target},
          {"by", run.by},
          {"result", Name(run.result)},
          {"detail", run.detail},
          {"queuedAt", Time(run.queued)},
          {"startedAt", Time(run.started)},
          {"finishedAt", Time(run.finished)},
          {"durationSeconds", SecondsOf(Between(run.started, run.finished))}};
}

}  // namespace

std::string EventText(const engine::Event& event) {
  Json json = {{"seq", event.seq},
               {"at", Time(event.at)},
               {"run", event.run},
               {"kind", engine::Name(event.body)}};
  json.update(ToJson(event.body));
  return Dump(json);
}

std::string AlertText(const engine::PastAlert& alert) {
  Json json = {{"seq", alert.seq}, {"at", Time(alert.at)}};
  json.update(Show(alert.decided));
  return Dump(json);
}

std::string PastRunText(const engine::PastRun& run) {
  return Dump(ToJson(run));
}

std::string ReportedRunText(const engine::ReportedRun& report) {
  const engine::PastRun& run = report.run;
  Json holds = Json::object();
  for (const engine::HoldCount& hold : report.holds) holds[Name(hold.reason)] = hold.times;
  Json acted = Json::array();
  for (const engine::Acted& act : report.acted)
    acted.push_back({{"by", act.by}, {"verb", Name(act.verb)}, {"times", act.times}});
  Json json = ToJson(run);
  json["waitedSeconds"] =
      run.started ? SecondsOf(Between(run.queued, *run.started)) : Json(nullptr);
  json["workedSeconds"] = SecondsOf(report.worked);
  json["holds"] = std::move(holds);
  json["acted"] = std::move(acted);
  json["actedMore"] = report.acted_more;
  return Dump(json);
}

Page::Page(const char* name, size_t most, std::function<bool()> may_be_long)
    : most_(most),
      may_be_long_(std::move(may_be_long)),
      text_(std::string("{\"") + name + "\":[") {}

bool Page::Add(std::string cursor, const std::string& item) {
  more_ = items_ > 0 && (items_ >= most_ || text_.size() + item.size() >= kLongestPage);
  if (more_) return false;
  if (may_be_long_ && text_.size() + item.size() > http::kLongAnswer) {
    refused_ = !may_be_long_();
    may_be_long_ = nullptr;
  }
  if (refused_) return false;
  if (items_++ > 0) text_ += ',';
  text_ += item;
  last_ = std::move(cursor);
  return true;
}

Result<std::string> Page::Take(uint64_t unseen) {
  if (refused_) return Fail(ErrorKind::kOverloaded, http::kTooManyLongAnswers);
  if (!more_) last_ = unseen > 0 ? std::to_string(unseen) : "null";
  text_ += "],\"next\":" + last_ + said_ + "}";
  return std::move(text_);
}

std::string PlanData(const engine::Plan& plan) {
  return Dump(Show(plan));
}

}  // namespace mailhub::api
