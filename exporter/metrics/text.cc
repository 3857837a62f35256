// Written by hand because a page is most of what a probe costs the exporter: one string, no
// streams, and numbers in the fewest digits that mean them exactly.
#include "exporter/metrics/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace mailhub::exporter {
namespace {

constexpr double kIntegersAreExact = 1e15;

// `quotes` are escaped in label values, not in HELP.
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
  std::array<char, 32> digits{};
  if (std::isnan(value)) {
    *page += "NaN";
  } else if (std::isinf(value)) {
    *page += value > 0 ? "+Inf" : "-Inf";
  } else if (std::fabs(value) < kIntegersAreExact && value == std::trunc(value)) {
    const auto integer = static_cast<int64_t>(value);
    page->append(digits.data(), std::to_chars(digits.begin(), digits.end(), integer).ptr);
  } else {
    page->append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
  }
}

// One line. A bucket has its bound as a label of its own.
void AppendSeries(std::string_view name, const char* suffix, const Labels& labels,
                  const double* bound, double value, std::string* page) {
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
    AppendNumber(*bound, page);
    *page += '"';
    separator = ',';
  }
  if (separator == ',') *page += '}';
  *page += ' ';
  AppendNumber(value, page);
  *page += '\n';
}

void AppendHistogram(std::string_view name, const Sample& sample, std::string* page) {
  uint64_t count = 0;
  for (const auto& [bound, at_or_below] : sample.buckets) {
    count = at_or_below;
    AppendSeries(name, "_bucket", sample.labels, &bound, static_cast<double>(count), page);
  }
  AppendSeries(name, "_sum", sample.labels, nullptr, sample.value, page);
  AppendSeries(name, "_count", sample.labels, nullptr, static_cast<double>(count), page);
}

}  // namespace

std::string ToText(const Families& families) {
  std::string page;
  page.reserve(size_t{16} << 10);
  std::vector<const Sample*> ordered;
  for (const auto& [name, family] : families.all()) {
    page.append("# HELP ").append(name) += ' ';
    AppendEscaped(family.metric.help, false, &page);
    page.append("\n# TYPE ").append(name) += ' ';
    page.append(Name(family.metric.kind)) += '\n';
    ordered.clear();
    for (const Sample& sample : family.samples) ordered.push_back(&sample);
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Sample* a, const Sample* b) { return a->labels < b->labels; });
    for (const Sample* sample : ordered) {
      if (family.metric.kind == Kind::kHistogram) {
        AppendHistogram(name, *sample, &page);
      } else {
        AppendSeries(name, "", sample->labels, nullptr, sample->value, &page);
      }
    }
  }
  return page;
}

}  // namespace mailhub::exporter
