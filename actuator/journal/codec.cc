// See codec.h. Writer and Reader use the same list of fields (engine/fields.h), so the two
// directions always agree.
#include "actuator/journal/codec.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "actuator/engine/fields.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"

namespace mailhub::journal {
namespace {

using Json = nlohmann::json;
using engine::Plan;

// --- the two directions

// Takes mutable references because the Reader needs them; changes nothing.
class Writer {
 public:
  // With `plan_text` a plan goes there and its digest here; without, in place.
  explicit Writer(std::string* plan_text) : plan_text_(plan_text) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    out_[name] = ToValue(value);
  }
  template <typename T>
  void Added(const char* name, T& value) {
    (*this)(name, value);
  }
  void Plan(const char* name, engine::Plan& plan) {
    if (plan_text_ == nullptr) {
      (*this)(name, plan);
      return;
    }
    *plan_text_ = EncodePlan(plan);
    out_[name] = Sha256Hex(*plan_text_);
  }
  Json Take() { return std::move(out_); }

 private:
  Json ToValue(std::string& v) { return v; }
  Json ToValue(std::map<std::string, std::string>& v) {
    Json object = Json::object();
    for (const auto& [key, value] : v) object[key] = value;
    return object;
  }
  Json ToValue(Milliseconds& v) { return v.count(); }
  Json ToValue(WallTime& v) { return ToUnixMs(v); }
  template <typename T>
  Json ToValue(std::optional<T>& v) {
    return v ? ToValue(*v) : Json(nullptr);
  }
  template <typename T>
  Json ToValue(std::vector<T>& v) {
    Json list = Json::array();
    for (T& item : v) list.push_back(ToValue(item));
    return list;
  }
  template <typename T>
  Json ToValue(T& v) {
    if constexpr (std::is_enum_v<T>) {
      return engine::Name(v);
    } else if constexpr (std::is_arithmetic_v<T>) {
      return v;
    } else {
      Writer inner(nullptr);
      Fields(inner, v);
      return inner.Take();
    }
  }

  Json out_ = Json::object();
  std::string* plan_text_;
};

// Stops at the first mistake and keeps its sentence.
class Reader {
 public:
  Reader(const Json& in, const engine::Plan* plan, std::string* error)
      : in_(in), plan_(plan), error_(error) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    if (!error_->empty()) return;
    const auto found = in_.find(name);
    if (found == in_.end()) return Bad(name, "is missing");
    FromValue(name, *found, value);
  }
  // A field that journals of an older schema version lack; then it keeps its default.
  template <typename T>
  void Added(const char* name, T& value) {
    if (in_.contains(name)) (*this)(name, value);
  }
  void Plan(const char* name, engine::Plan& plan) {
    if (!error_->empty()) return;
    if (plan_ == nullptr) return Bad(name, "is not stored");
    plan = *plan_;
  }

 private:
  void Bad(const std::string& name, const std::string& what) {
    if (error_->empty()) *error_ = "field \"" + name + "\" " + what;
  }

  void FromValue(const std::string& name, const Json& json, std::string& v) {
    if (!json.is_string()) return Bad(name, "is not a string");
    v = json.get_ref<const std::string&>();
  }
  void FromValue(const std::string& name, const Json& json, bool& v) {
    if (!json.is_boolean()) return Bad(name, "is not true or false");
    v = json.get<bool>();
  }
  void FromValue(const std::string& name, const Json& json, std::map<std::string, std::string>& v) {
    if (!json.is_object()) return Bad(name, "is not an object");
    v.clear();
    for (const auto& [key, value] : json.items()) FromValue(name, value, v[key]);
  }
  void FromValue(const std::string& name, const Json& json, Milliseconds& v) {
    int64_t number = 0;
    FromValue(name, json, number);
    v = Milliseconds(number);
  }
  void FromValue(const std::string& name, const Json& json, WallTime& v) {
    int64_t number = 0;
    FromValue(name, json, number);
    v = FromUnixMs(number);
  }
  template <typename T>
  void FromValue(const std::string& name, const Json& json, std::optional<T>& v) {
    v.reset();
    if (json.is_null()) return;
    FromValue(name, json, v.emplace());
  }
  template <typename T>
  void FromValue(const std::string& name, const Json& json, std::vector<T>& v) {
    if (!json.is_array()) return Bad(name, "is not a list");
    v.clear();
    v.reserve(json.size());
    for (const Json& item : json) FromValue(name, item, v.emplace_back());
  }
  template <typename T>
  void FromValue(const std::string& name, const Json& json, T& v) {
    if constexpr (std::is_enum_v<T>) {
      if (!json.is_string()) return Bad(name, "is not a string");
      const auto& word = json.get_ref<const std::string&>();
      const std::optional<T> value = Named<T>(word);
      if (!value) return Bad(name, "is \"" + Excerpt(word, 60) + "\", expected " + Choices<T>());
      v = *value;
    } else if constexpr (std::is_integral_v<T>) {
      FromInteger(name, json, v);
    } else {
      if (!json.is_object()) return Bad(name, "is not an object");
      Reader inner(json, nullptr, error_);
      Fields(inner, v);
    }
  }
  template <typename T>
  void FromInteger(const std::string& name, const Json& json, T& v) {
    if (json.is_number_unsigned()) {
      const auto number = json.get<uint64_t>();
      if (!std::in_range<T>(number)) return Bad(name, "is out of range");
      v = static_cast<T>(number);
    } else if (json.is_number_integer()) {
      const auto number = json.get<int64_t>();
      if (!std::in_range<T>(number)) return Bad(name, "is out of range");
      v = static_cast<T>(number);
    } else {
      Bad(name, "is not a whole number");
    }
  }

  const Json& in_;
  const engine::Plan* plan_;
  std::string* error_;
};

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
Json Written(const T& value, std::string* plan_text) {
  Writer writer(plan_text);
  Fields(writer, const_cast<T&>(value));  // NOLINT: see Writer
  return writer.Take();
}

Result<Json> ParseObject(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorKind::kCorrupt, "is not a JSON object");
  return json;
}

// Tries the variant's alternatives until one has the name `kind`.
template <size_t I = 0>
bool MakeBody(std::string_view kind, engine::EventBody* body) {
  if constexpr (I < std::variant_size_v<engine::EventBody>) {
    body->emplace<I>();
    return kind == engine::Name(*body) || MakeBody<I + 1>(kind, body);
  } else {
    return false;
  }
}

}  // namespace

Encoded Encode(const engine::EventBody& body) {
  Encoded encoded{.kind = engine::Name(body), .body = "", .plan = ""};
  encoded.body = std::visit(
      [&encoded](const auto& value) { return Text(Written(value, &encoded.plan)); }, body);
  return encoded;
}

std::string EncodePlan(const Plan& plan) {
  return Text(Written(plan, nullptr));
}

Result<engine::EventBody> Decode(std::string_view kind, std::string_view text, const Plan* plan) {
  engine::EventBody body;
  if (!MakeBody(kind, &body)) {
    return Fail(ErrorKind::kCorrupt, "unknown kind of event \"" + Excerpt(kind, 60) + "\"");
  }
  const Result<Json> json = ParseObject(text);
  if (!json) return Fail(std::string(kind), json.error());
  std::string error;
  Reader reader(*json, plan, &error);
  std::visit([&reader](auto& value) { Fields(reader, value); }, body);
  if (!error.empty()) return Fail(ErrorKind::kCorrupt, std::string(kind) + ": " + error);
  return body;
}

Result<Plan> DecodePlan(std::string_view text) {
  const Result<Json> json = ParseObject(text);
  if (!json) return Fail("plan", json.error());
  std::string error;
  Plan plan;
  Reader reader(*json, nullptr, &error);
  Fields(reader, plan);
  if (error.empty() && plan.steps.size() > engine::kMostSteps) error = "has too many steps";
  if (!error.empty()) return Fail(ErrorKind::kCorrupt, "plan: " + error);
  return plan;
}

namespace {
std::string UnreadIn(const Json& stored, const Json& encoded, const std::string& where) {
  if (!stored.is_object() || !encoded.is_object())
    return stored == encoded ? "" : "field \"" + Excerpt(where, 60) + "\" is not read as it is";
  for (const auto& [key, value] : stored.items()) {
    const auto read = encoded.find(key);
    if (read == encoded.end()) return "field \"" + Excerpt(key, 60) + "\" has an unknown name";
    if (std::string what = UnreadIn(value, *read, key); !what.empty()) return what;
  }
  return "";
}
}  // namespace

std::string Unread(std::string_view stored, std::string_view encoded) {
  if (stored == encoded) return "";
  const Result<Json> json = ParseObject(stored);
  if (!json) return json.error().message;
  if (Text(*json) != stored) return "is not spelled as the writer does";
  return UnreadIn(*json, Json::parse(encoded, nullptr, false), "");
}

Result<std::string> PlanDigest(std::string_view body) {
  const Result<Json> json = ParseObject(body);
  if (!json) return Fail("run_queued", json.error());
  const auto found = json->find("plan");
  if (found == json->end() || !found->is_string()) {
    return Fail(ErrorKind::kCorrupt, "run_queued: field \"plan\" is no digest");
  }
  return found->get<std::string>();
}

}  // namespace mailhub::journal
