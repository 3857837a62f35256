// See memory_prometheus.h.
#include "tests/gates/memory_prometheus.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <regex>
#include <set>

namespace mailhub::gates {
namespace {

constexpr int64_t kLookbackMs = 300'000;

struct Point {
  Labels labels;
  double value = 0;
  int64_t at_ms = 0;  // of the sample, where it is one
};
using Vector = std::vector<Point>;

[[noreturn]] void NotUnderstood(const std::string& text, size_t at) {
  std::fprintf(stderr, "memory_prometheus: not understood at %zu: %s\n", at, text.c_str());
  std::abort();
}

// The data of a query.
struct Data {
  const std::vector<StoredSeries>* series;
  int64_t now_ms;
  bool left_open;
};

struct Matcher {
  std::string label;
  std::string value;
  std::set<std::string> choices;  // of =~: only a|b|c, with [.] for a dot
};

struct Selector {
  std::vector<Matcher> matchers;
  int64_t range_ms = 0;
  int64_t offset_ms = 0;

  bool Selects(const Labels& labels) const {
    return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
      const auto label = labels.find(matcher.label);
      const std::string value = label == labels.end() ? "" : label->second;
      return matcher.choices.empty() ? value == matcher.value : matcher.choices.contains(value);
    });
  }
};

Labels WithoutName(Labels labels) {
  labels.erase("__name__");
  return labels;
}

using Evaluate = std::function<Vector(const Data&, int64_t)>;

Vector Newest(const Selector& selector, const Data& data, int64_t t) {
  Vector found;
  for (const StoredSeries& series : *data.series) {
    if (!selector.Selects(series.labels)) continue;
    const Stored* newest = nullptr;
    for (const Stored& sample : series.samples) {
      if (sample.at_ms <= t && sample.visible_ms <= data.now_ms) newest = &sample;
    }
    if (newest == nullptr || newest->stale) continue;
    const int64_t age = t - newest->at_ms;
    if (age < kLookbackMs || (age == kLookbackMs && !data.left_open)) {
      found.push_back({series.labels, newest->value, newest->at_ms});
    }
  }
  return found;
}

std::vector<double> InRange(const StoredSeries& series, const Selector& selector, const Data& data,
                            int64_t t) {
  std::vector<double> values;
  const int64_t end = t - selector.offset_ms;
  const int64_t begin = end - selector.range_ms;
  for (const Stored& sample : series.samples) {
    if (sample.visible_ms > data.now_ms || sample.stale || sample.at_ms > end) continue;
    if (sample.at_ms > begin || (sample.at_ms == begin && !data.left_open)) {
      values.push_back(sample.value);
    }
  }
  return values;
}

double OverTime(const std::string& name, const std::vector<double>& values) {
  if (name == "min_over_time") return *std::ranges::min_element(values);
  if (name == "max_over_time") return *std::ranges::max_element(values);
  if (name == "count_over_time") return static_cast<double>(values.size());
  if (name == "last_over_time") return values.back();
  double resets = 0;
  for (size_t i = 1; i < values.size(); ++i) resets += values[i] < values[i - 1] ? 1 : 0;
  return resets;
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  Evaluate All() {
    Evaluate all = Or();
    Space();
    if (at_ != text_.size()) NotUnderstood(text_, at_);
    return all;
  }

 private:
  void Space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool Take(const std::string& mark) {
    Space();
    if (text_.compare(at_, mark.size(), mark) != 0) return false;
    at_ += mark.size();
    return true;
  }
  void Need(const std::string& mark) {
    if (!Take(mark)) NotUnderstood(text_, at_);
  }
  std::string Word() {
    Space();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }
  std::string String() {
    Need("\"");
    const size_t end = text_.find('"', at_);
    if (end == std::string::npos) NotUnderstood(text_, at_);
    std::string value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }
  // 500ms, 1m30s
  int64_t DurationMs() {
    int64_t total = 0;
    Space();
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
      const int64_t number = std::strtoll(text_.c_str() + at_, nullptr, 10);
      while (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (Take("ms")) {
        total += number;
      } else {
        const char unit = text_[at_++];
        total += number * (unit == 's'   ? 1'000
                           : unit == 'm' ? 60'000
                           : unit == 'h' ? 3'600'000
                                         : 86'400'000);
      }
    }
    return total;
  }

  Evaluate Or() {
    Evaluate left = And();
    while (Take("or ")) {
      left = [left, right = And()](const Data& data, int64_t t) {
        Vector all = left(data, t);
        std::set<Labels> seen;
        for (const Point& point : all) seen.insert(WithoutName(point.labels));
        for (Point& point : right(data, t)) {
          if (!seen.contains(WithoutName(point.labels))) all.push_back(std::move(point));
        }
        return all;
      };
    }
    return left;
  }

  Evaluate And() {
    Evaluate left = Comparison();
    while (Take("and ")) {
      left = [left, right = Comparison()](const Data& data, int64_t t) {
        std::set<Labels> there;
        for (const Point& point : right(data, t)) there.insert(WithoutName(point.labels));
        Vector kept;
        for (Point& point : left(data, t)) {
          if (there.contains(WithoutName(point.labels))) kept.push_back(std::move(point));
        }
        return kept;
      };
    }
    return left;
  }

  Evaluate Comparison() {
    Evaluate left = Primary();
    for (const std::string sign : {"==", ">=", "<=", "!=", ">", "<"}) {
      if (!Take(sign)) continue;
      if (sign == ">=" && Take("on (instance) group_left ()")) return NotBefore(left, Primary());
      Space();
      char* end = nullptr;
      const double right = std::strtod(text_.c_str() + at_, &end);
      at_ = static_cast<size_t>(end - text_.c_str());
      return [=](const Data& data, int64_t t) {
        Vector kept;
        for (Point& point : left(data, t)) {
          const double value = point.value;
          const bool holds = sign == "=="   ? value == right
                             : sign == "!=" ? value != right
                             : sign == ">=" ? value >= right
                             : sign == "<=" ? value <= right
                             : sign == ">"  ? value > right
                                            : value < right;
          if (holds) kept.push_back(std::move(point));
        }
        return kept;
      };
    }
    return left;
  }

  // The comparison of times: many on the left to one of their instance on the right.
  static Evaluate NotBefore(const Evaluate& left, const Evaluate& right) {
    return [=](const Data& data, int64_t t) {
      std::map<std::string, double> since;
      for (const Point& point : right(data, t)) since[point.labels.at("instance")] = point.value;
      Vector kept;
      for (Point& point : left(data, t)) {
        const auto one = since.find(point.labels.at("instance"));
        if (one != since.end() && point.value >= one->second) kept.push_back(std::move(point));
      }
      return kept;
    };
  }

  Evaluate Primary() {
    if (Take("(")) {
      Evaluate inner = Or();
      Need(")");
      return inner;
    }
    const std::string word = Word();
    if (word == "label_replace") return LabelReplace();
    if (word == "sum") return SumOf();
    if (word == "max") return GreatestByInstance();
    if (word == "timestamp") return Timestamp();
    if (word.ends_with("_over_time") || word == "resets") return Ranged(word);
    const Selector selector = Select(word);
    return [selector](const Data& data, int64_t t) { return Newest(selector, data, t); };
  }

  // Only with an empty source, which always matches.
  Evaluate LabelReplace() {
    Need("(");
    const Evaluate inner = Or();
    Need(",");
    const std::string label = String();
    Need(",");
    const std::string value = String();
    Need(",\"\",\"\")");
    return [=](const Data& data, int64_t t) {
      Vector all = inner(data, t);
      for (Point& point : all) point.labels[label] = value;
      return all;
    };
  }

  Evaluate SumOf() {
    Need("(");
    const Evaluate inner = Or();
    Need(")");
    return [=](const Data& data, int64_t t) {
      const Vector all = inner(data, t);
      if (all.empty()) return Vector{};
      Point sum;
      for (const Point& point : all) sum.value += point.value;
      return Vector{sum};
    };
  }

  Evaluate GreatestByInstance() {
    Need("by (instance) (");
    const Evaluate inner = Or();
    Need(")");
    return [=](const Data& data, int64_t t) {
      std::map<std::string, double> greatest;
      for (const Point& point : inner(data, t)) {
        const auto [one, added] = greatest.try_emplace(point.labels.at("instance"), point.value);
        one->second = std::max(one->second, point.value);
      }
      Vector all;
      for (const auto& [instance, value] : greatest)
        all.push_back({{{"instance", instance}}, value});
      return all;
    };
  }

  Evaluate Timestamp() {
    Need("(");
    const Selector selector = Select(Word());
    Need(")");
    return [=](const Data& data, int64_t t) {
      Vector all = Newest(selector, data, t);
      for (Point& point : all) {
        point.value = static_cast<double>(point.at_ms) / 1'000;
        point.labels = WithoutName(point.labels);
      }
      return all;
    };
  }

  Evaluate Ranged(const std::string& name) {
    Need("(");
    const Selector selector = Select(Word());
    Need(")");
    return [=](const Data& data, int64_t t) {
      Vector all;
      for (const StoredSeries& series : *data.series) {
        if (!selector.Selects(series.labels)) continue;
        const auto values = InRange(series, selector, data, t);
        if (values.empty()) continue;
        all.push_back({name == "last_over_time" ? series.labels : WithoutName(series.labels),
                       OverTime(name, values)});
      }
      return all;
    };
  }

  Selector Select(const std::string& metric) {
    Selector selector;
    selector.matchers.push_back({"__name__", metric, {}});
    if (Take("{")) {
      while (!Take("}")) {
        Matcher matcher{Word(), "", {}};
        const bool regex = Take("=~");
        if (!regex) Need("=");
        matcher.value = String();
        if (regex) matcher.choices = Choices(matcher.value);
        selector.matchers.push_back(matcher);
        Take(",");
      }
    }
    if (Take("[")) {
      selector.range_ms = DurationMs();
      Need("]");
    }
    if (Take("offset ")) selector.offset_ms = DurationMs();
    return selector;
  }

  static std::set<std::string> Choices(const std::string& pattern) {
    std::set<std::string> choices{""};
    choices.clear();
    std::string one;
    for (const char c : pattern + "|") {
      if (c == '|') {
        choices.insert(one);
        one.clear();
      } else if (c != '[' && c != ']') {
        one += c;
      }
    }
    return choices;
  }

  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

Result<condition::Instant> MemoryPrometheus::Query(const std::string& expr) {
  const Data data{&series_, now_ms_, left_open_};
  condition::Instant instant;
  for (Point& point : Reader(expr).All()(data, now_ms_)) {
    instant.at_s = static_cast<double>(now_ms_) / 1000;
    instant.samples.push_back({std::move(point.labels), point.value});
  }
  return instant;
}

Result<std::vector<condition::Series>> MemoryPrometheus::QueryRange(const std::string& expr,
                                                                    double start_s, double end_s,
                                                                    Milliseconds step) {
  const Data data{&series_, now_ms_, left_open_};
  const Evaluate evaluate = Reader(expr).All();
  std::map<Labels, std::vector<double>> all;
  const int64_t end = std::llround(end_s * 1000);
  for (int64_t t = std::llround(start_s * 1000); t <= end; t += step.count()) {
    for (const Point& point : evaluate(data, t)) all[point.labels].push_back(point.value);
  }
  std::vector<condition::Series> series;
  series.reserve(all.size());
  for (auto& [labels, values] : all) series.push_back({labels, std::move(values)});
  return series;
}

}  // namespace mailhub::gates
