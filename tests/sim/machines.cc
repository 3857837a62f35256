// See machines.h.
#include "tests/sim/machines.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mailhub::sim {
namespace {

constexpr int64_t kLongAgoMs = -10'000'000;
constexpr double kBigBytes = 700e6;
constexpr double kFreshBytes = 300e6;

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The word after `before`, up to a blank or dot.
std::string WordAfter(const std::string& text, std::string_view before) {
  const size_t at = text.find(before) + before.size();
  return text.substr(at, text.find_first_of(" .", at) - at);
}

// Removes `METRIC{instance="H",label="a|b"}` from the front of `text`.
std::vector<Series> TakeSelector(std::string_view* text) {
  const size_t open = text->find('{');
  const size_t close = text->find('}');
  std::string metric(text->substr(0, open));
  if (metric.starts_with("mailhub_")) metric.erase(0, 8);
  std::string_view labels = text->substr(open + 1, close - open - 1);
  text->remove_prefix(close + 1);
  std::string host;
  std::string last;
  while (!labels.empty()) {
    const size_t quote = labels.find('"');
    const size_t end = labels.find('"', quote + 1);
    const std::string_view label = labels.substr(0, labels.find_first_of("=!"));
    const std::string value(labels.substr(quote + 1, end - quote - 1));
    if (label == "instance") {
      host = value;
    } else if (label != "state") {
      last = value;
    }
    labels.remove_prefix(std::min(labels.size(), end + 2));
  }
  std::vector<Series> all;
  for (size_t at = 0; at <= last.size();) {
    const size_t end = std::min(last.find('|', at), last.size());
    all.push_back({host, metric + ' ' + last.substr(at, end - at)});
    at = end + 1;
  }
  return all;
}

Condition Parse(std::string_view text) {
  Condition condition;
  const auto skip = [&](std::string_view what) {
    if (text.starts_with(what)) text.remove_prefix(what.size());
  };
  if (text.starts_with("sum(rate(")) {
    text.remove_prefix(9);
    condition.left = TakeSelector(&text);
    condition.left[0].name = "load";
    condition.rate_window_ms =
        1000 * std::strtoll(std::string(text.substr(1)).c_str(), nullptr, 10);
    text.remove_prefix(text.find('}') + 1);
  } else {
    condition.left = TakeSelector(&text);
  }
  skip(" ");
  const size_t space = text.find(' ');
  condition.comparison = text.substr(0, space);
  text.remove_prefix(space + 1);
  skip("on(instance) ");
  if (text[0] >= '0' && text[0] <= '9') {
    condition.factor = std::strtod(std::string(text).c_str(), nullptr);
    const size_t times = text.find(" * ");
    if (times == std::string_view::npos) return condition;
    text.remove_prefix(times + 3);
  }
  condition.right = TakeSelector(&text)[0];
  return condition;
}

bool Holds(double left, const std::string& comparison, double right) {
  if (comparison == "==") return left == right;
  if (comparison == ">=") return left >= right;
  if (comparison == "<=") return left <= right;
  if (comparison == ">") return left > right;
  std::fprintf(stderr, "the simulated site knows no '%s'\n", comparison.c_str());
  std::abort();
}

}  // namespace

std::optional<ServiceTouch> TouchOf(const std::string& command) {
  if (Has(command, "S81eddy stop")) return ServiceTouch{"process_running eddy", false};
  if (Has(command, "S81eddy start")) return ServiceTouch{"process_running eddy", true};
  if (Has(command, "stop student")) return ServiceTouch{"thread_running student", false};
  if (Has(command, "start student")) return ServiceTouch{"thread_running student", true};
  if (command.starts_with("@service ")) {
    return ServiceTouch{"service_state " + WordAfter(command, "@service "),
                        !Has(command, " stopped ")};
  }
  if (!command.starts_with("sim ")) return std::nullopt;
  const std::string verb = WordAfter(command, "sim ");
  if (verb != "stop" && verb != "start") return std::nullopt;
  return ServiceTouch{"service_state " + WordAfter(command, verb + ' '), verb != "stop"};
}

const Condition& ParseCondition(const std::string& expr) {
  thread_local std::map<std::string, Condition> kept;
  const auto found = kept.find(expr);
  return found != kept.end() ? found->second : kept.emplace(expr, Parse(expr)).first->second;
}

Machines::Machines() {
  for (const char* host : {"x500", "mailhub1", "mailhub2", "mailhub3", "cvshost", "ex2k10-365a",
                           "box1", "box2", "box3"}) {
    Boot(host, kLongAgoMs);
  }
  Set("x500", "load", 0, kLongAgoMs);
  for (const char* hub : {"mailhub1", "mailhub2", "mailhub3"}) {
    Set(hub, "file_mtime_timestamp_seconds aliases", 100, kLongAgoMs);
    Set(hub, "file_mtime_timestamp_seconds rebuild_started", 50, kLongAgoMs);
    Set(hub, "check_value alias_entries", 1000, kLongAgoMs);
    Set(hub, "check_value alias_entries_before", 1010, kLongAgoMs);
  }
}

void Machines::Set(const std::string& host, const std::string& name, double value, int64_t at_ms) {
  std::vector<Change>& past = past_[host + ' ' + name];
  const double before = past.empty() ? 0 : past.back().value;
  past.push_back({at_ms, value});
  const bool service = name == "process_running eddy" || name == "thread_running student" ||
                       name.starts_with("service_state ");
  if (service && on_service && before != value) on_service(host, name, value == 1);
}

double Machines::Value(const Series& series, int64_t at_ms) const {
  const auto found = past_.find(series.host + ' ' + series.name);
  if (found == past_.end()) return 0;
  const std::vector<Change>& past = found->second;
  for (auto change = past.rbegin(); change != past.rend(); ++change) {
    if (change->at_ms <= at_ms) return change->value;
  }
  return 0;
}

double Machines::IdleShare(const Series& series, int64_t from_ms, int64_t to_ms) const {
  const std::vector<Change>& past = past_.at(series.host + ' ' + series.name);
  double busy_ms = 0;
  int64_t end_ms = to_ms;
  for (auto change = past.rbegin(); change != past.rend() && end_ms > from_ms; ++change) {
    if (change->at_ms >= end_ms) continue;
    const int64_t begin_ms = std::max(from_ms, change->at_ms);
    busy_ms += change->value * static_cast<double>(end_ms - begin_ms);
    end_ms = begin_ms;
  }
  return 1 - busy_ms / static_cast<double>(to_ms - from_ms);
}

int Machines::Holding(const Condition& condition, int64_t at_ms) const {
  const double right = condition.factor * (condition.right ? Value(*condition.right, at_ms) : 1);
  return static_cast<int>(
      std::count_if(condition.left.begin(), condition.left.end(), [&](const Series& series) {
        const double left = condition.rate_window_ms == 0
                                ? Value(series, at_ms)
                                : IdleShare(series, at_ms - condition.rate_window_ms, at_ms);
        return Holds(left, condition.comparison, right);
      }));
}

void Machines::StartDirectory(int64_t now_ms, const Later& later) {
  if (Value({"x500", "process_running eddy"}, now_ms) == 0) {
    Set("x500", "process_resident_memory_bytes eddy", kFreshBytes, now_ms);
    Set("x500", "load", 1, now_ms);
    later(15'000, [this, end = now_ms + 15'000] { Set("x500", "load", 0, end); });
  }
  Set("x500", "process_running eddy", 1, now_ms);
  Set("x500", "process_running eddy_root", 1, now_ms);
  later(2000, [this, end = now_ms + 2000] {
    Set("x500", "port_open directory", Value({"x500", "process_running eddy"}, end), end);
  });
}

// Whether it was a made-up runbook's command.
bool Machines::MadeUp(const std::string& host, const std::string& command, int64_t now_ms) {
  if (!command.starts_with("sim ") && !command.starts_with("@service ")) return false;
  if (const auto touch = TouchOf(command)) {
    Set(host, touch->name, touch->up ? 1 : 0, now_ms);
  } else {  // a mark, or a job that leaves one
    Set(host, "check_value " + command.substr(command.rfind(' ') + 1), 1, now_ms);
  }
  return true;
}

void Machines::Effect(const std::string& host, const std::string& command, int64_t now_ms,
                      const Later& later) {
  if (MadeUp(host, command, now_ms)) return;
  const auto set = [&](const char* name, double value) { Set(host, name, value, now_ms); };
  const double now_s = static_cast<double>(now_ms) / 1000;
  if (Has(command, "S81eddy stop")) {
    set("process_running eddy", 0);
    set("port_open directory", 0);
  } else if (Has(command, "S81eddy start")) {
    StartDirectory(now_ms, later);
  } else if (Has(command, "isode[.]eddy")) {
    set("process_running eddy_root", 0);
  } else if (Has(command, "stop student")) {
    set("thread_running student", 0);
  } else if (Has(command, "start student")) {
    set("thread_running student", 1);
    set("directory_files deltas", 500);
    later(20'000,
          [this, host, end = now_ms + 20'000] { Set(host, "directory_files deltas", 0, end); });
  } else if (Has(command, "start qubRA") || command.ends_with("ractl qubRA start")) {
    set("process_running qubRA", 1);
  } else if (Has(command, "cp -p aliases")) {
    set("file_mtime_timestamp_seconds rebuild_started", now_s);
    set("check_value alias_entries_before", Value({host, "check_value alias_entries"}, now_ms));
  } else if (Has(command, "scripts/rebuild")) {
    set("file_mtime_timestamp_seconds aliases", now_s);
    set("check_value alias_entries", 0.99 * Value({host, "check_value alias_entries"}, now_ms));
    Set("x500", "process_resident_memory_bytes eddy", kBigBytes, now_ms);
  } else {
    std::fprintf(stderr, "the simulated site has no command '%s'\n", command.c_str());
    std::abort();
  }
}

void Machines::Boot(const std::string& host, int64_t now_ms) {
  if (host == "x500") {
    for (const char* process : {"eddy", "eddy_root", "qubRA"}) {
      Set(host, std::string("process_running ") + process, 1, now_ms);
    }
    Set(host, "process_resident_memory_bytes eddy", kFreshBytes, now_ms);
    Set(host, "port_open directory", 1, now_ms);
    Set(host, "thread_running student", 1, now_ms);
  } else if (host == "cvshost") {
    Set(host, "thread_running UNS", 1, now_ms);
    Set(host, "thread_running alias", 1, now_ms);
  } else if (host == "ex2k10-365a") {
    Set(host, "service_state MailboxCreation", 1, now_ms);
  } else if (host.starts_with("box")) {
    for (const char* service : {"alpha", "beta", "gamma"}) {
      Set(host, std::string("service_state ") + service, 1, now_ms);
    }
    Set(host, "check_value need", 1, now_ms);
  } else {
    Set(host, "service_state regclient", 1, now_ms);
  }
}

int64_t Machines::DurationMs(const std::string& command) {
  if (command.starts_with("sim job ")) return 1000 * std::stoll(WordAfter(command, "sim job "));
  return Has(command, "scripts/rebuild") ? 120'000 : 100;
}

}  // namespace mailhub::sim
