#include "lib/metrics/negotiate.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "lib/base/lower.h"
#include "lib/base/trim.h"

namespace mailhub::metrics {
namespace {

// One element of the header: "text/plain;version=0.0.4;q=0.5".
struct Range {
  std::string type;     // in lower case
  std::string version;  // "": any
  double quality = 1;
};

std::string_view NextPart(std::string_view* rest, char separator) {
  const size_t end = std::min(rest->find(separator), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return Trim(part);
}

std::optional<double> Quality(std::string_view text) {
  double quality = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quality, std::chars_format::fixed);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || !(quality >= 0) || quality > 1) return std::nullopt;
  return quality;
}

// Nothing for an element that is not understood: it counts as absent.
std::optional<Range> ReadRange(std::string_view text) {
  Range range;
  range.type = Lower(std::string(NextPart(&text, ';')));
  while (!text.empty()) {
    std::string_view value = NextPart(&text, ';');
    const std::string name = Lower(std::string(NextPart(&value, '=')));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (name == "version") range.version = value;
    if (name != "q") continue;
    const auto quality = Quality(value);
    if (!quality) return std::nullopt;
    range.quality = *quality;
  }
  return range;
}

}  // namespace

Format FormatFor(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  size_t text_named_by = 0;  // the more a range names, the more it counts
  while (!accept.empty()) {
    const auto range = ReadRange(NextPart(&accept, ','));
    if (!range) continue;
    if (range->type == "application/openmetrics-text" &&
        (range->version.empty() || range->version == "1.0.0")) {
      open_metrics = std::max(open_metrics, range->quality);
    }
    const bool plain =
        range->type == "text/plain" && (range->version.empty() || range->version == "0.0.4");
    const size_t names = plain ? 3 : range->type == "text/*" ? 2 : range->type == "*/*" ? 1 : 0;
    if (names == 0 || names < text_named_by) continue;
    text = names > text_named_by ? range->quality : std::max(text, range->quality);
    text_named_by = names;
  }
  return open_metrics > 0 && open_metrics >= text ? Format::kOpenMetrics : Format::kText;
}

}  // namespace mailhub::metrics
