// Hand-written because the page is most of a probe's cost in the exporter: one string, no streams, and the shortest
// exact digits of numbers. prometheus-cpp's own serializer does not sort and keeps repeated series.
#include "lib/metrics/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace mailhub::metrics {
namespace {

// Between these a number has no exponent, as in Go's own clients: a bucket's bound is a label, and 1e-04 is a different
// one.
constexpr double kLeastPlain = 1e-4;
constexpr double kPlainBelow = 1e21;
constexpr double kIntegersAreExact = 1e15;

// `quotes` are escaped in label values and in OpenMetrics' HELP.
void AppendEscaped(std::string_view text, bool quotes, std::string* page) {
  for (char c : text) {
    if (c == '\n') {
      *page += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && quotes)) *page += '\\';
    *page += c;
  }
}

void AppendNumber(double value, std::string* page) {
  std::array<char, 64> digits{};
  if (std::isnan(value)) {
    *page += "NaN";
  } else if (std::isinf(value)) {
    *page += value > 0 ? "+Inf" : "-Inf";
  } else if (std::fabs(value) < kIntegersAreExact && value == std::trunc(value)) {
    const auto integer = static_cast<int64_t>(value);
    page->append(digits.data(), std::to_chars(digits.begin(), digits.end(), integer).ptr);
  } else {
    const double size = std::fabs(value);
    const auto format = size >= kLeastPlain && size < kPlainBelow ? std::chars_format::fixed
                                                                  : std::chars_format::scientific;
    page->append(digits.data(), std::to_chars(digits.begin(), digits.end(), value, format).ptr);
  }
}

// In OpenMetrics a bound has a point or an exponent, so that each has one spelling.
void AppendBound(double bound, Format format, std::string* page) {
  const size_t begin = page->size();
  AppendNumber(bound, page);
  if (format == Format::kText || std::isinf(bound)) return;
  if (page->find_first_of(".e", begin) == std::string::npos) *page += ".0";
}

// One line. A bucket has its bound as an additional label.
void AppendSeries(const std::string& name, const char* suffix, const Labels& labels,
                  const double* bound, double value, Format format, std::string* page) {
  page->append(name).append(suffix);
  char separator = '{';
  for (const auto& [label, text] : labels) {
    *page += separator;
    page->append(label).append("=\"");
    AppendEscaped(text, true, page);
    *page += '"';
    separator = ',';
  }
  if (bound != nullptr) {
    *page += separator;
    *page += "le=\"";
    AppendBound(*bound, format, page);
    *page += '"';
    separator = ',';
  }
  if (separator == ',') *page += '}';
  *page += ' ';
  AppendNumber(value, page);
  *page += '\n';
}

void AppendHistogram(const std::string& name, const Sample& sample, Format format,
                     std::string* page) {
  const Sample::Histogram& histogram = sample.histogram;
  for (const auto& bucket : histogram.bucket) {
    AppendSeries(name, "_bucket", sample.label, &bucket.upper_bound,
                 static_cast<double>(bucket.cumulative_count), format, page);
  }
  AppendSeries(name, "_sum", sample.label, nullptr, histogram.sample_sum, format, page);
  AppendSeries(name, "_count", sample.label, nullptr, static_cast<double>(histogram.sample_count),
               format, page);
}

const char* NameOf(Type type) {
  switch (type) {
    case Type::Counter:
      return "counter";
    case Type::Histogram:
      return "histogram";
    default:
      return "gauge";
  }
}

// The family's name and type, as the format has them. OpenMetrics' counters leave the suffix of their
// series out.
struct Head {
  std::string_view name;
  const char* type;
};
Head HeadOf(const prometheus::MetricFamily& family, Format format) {
  constexpr std::string_view kTotal = "_total";
  const std::string_view name = family.name;
  if (format == Format::kText || family.type != Type::Counter) return {name, NameOf(family.type)};
  if (!name.ends_with(kTotal)) return {name, "unknown"};
  return {name.substr(0, name.size() - kTotal.size()), NameOf(family.type)};
}

// Sorted by labels; of samples with equal labels, the last one.
std::vector<const Sample*> InOrder(const prometheus::MetricFamily& family) {
  std::vector<const Sample*> ordered;
  for (auto sample = family.metric.rbegin(); sample != family.metric.rend(); ++sample)
    ordered.push_back(&*sample);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Sample* a, const Sample* b) { return a->label < b->label; });
  const auto end =
      std::unique(ordered.begin(), ordered.end(),
                  [](const Sample* a, const Sample* b) { return a->label == b->label; });
  ordered.erase(end, ordered.end());
  return ordered;
}

}  // namespace

const char* ContentTypeOf(Format format) {
  return format == Format::kText ? "text/plain; version=0.0.4; charset=utf-8"
                                 : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string ToText(const Families& families, Format format) {
  std::string page;
  page.reserve(size_t{16} << 10);
  for (const auto& [unused, family] : families.all()) {
    const Head head = HeadOf(family, format);
    page.append("# HELP ").append(head.name) += ' ';
    AppendEscaped(family.help, format == Format::kOpenMetrics, &page);
    page.append("\n# TYPE ").append(head.name) += ' ';
    page.append(head.type) += '\n';
    for (const Sample* sample : InOrder(family)) {
      if (family.type == Type::Histogram) {
        AppendHistogram(family.name, *sample, format, &page);
      } else {
        AppendSeries(family.name, "", sample->label, nullptr, ValueOf(family, *sample), format,
                     &page);
      }
    }
  }
  if (format == Format::kOpenMetrics) page += "# EOF\n";
  return page;
}

}  // namespace mailhub::metrics
