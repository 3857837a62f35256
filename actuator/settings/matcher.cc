// See matcher.h.
#include "actuator/settings/matcher.h"

#include <array>
#include <string>
#include <utility>

#include "lib/base/printable.h"

namespace mailhub::settings {
namespace {

constexpr size_t kLongestValue = 256;
constexpr size_t kLongestLabel = 128;  // no alert with a longer one comes in
constexpr std::string_view kBlanks = " \t";

bool IsNameCharacter(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

tl::unexpected<Error> Bad(std::string_view text, const std::string& why) {
  return Fail(ErrorKind::kInvalid, "\"" + Excerpt(text) + "\" is not a matcher: " + why +
                                       "; expected one like alertname=\"DirectoryMemoryHigh\" or "
                                       "instance=~\"mailhub[0-9]+\"");
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The text in double quotes that `text` begins with, its escapes undone, taken off it. Nothing when
// the quotes or escapes are wrong.
std::optional<std::string> TakeQuoted(std::string_view* text) {
  std::string out;
  size_t i = 1;
  for (; i < text->size() && (*text)[i] != '"'; ++i) {
    if ((*text)[i] != '\\') {
      out += (*text)[i];
      continue;
    }
    if (++i == text->size()) return std::nullopt;
    // In quotes Alertmanager knows these three escapes; any other backslash stands for itself, so
    // that "\." needs no doubling.
    const char c = (*text)[i];
    if (c != 'n' && c != '"' && c != '\\') out += '\\';
    out += c == 'n' ? '\n' : c;
  }
  if (i >= text->size()) return std::nullopt;
  text->remove_prefix(i + 1);
  return out;
}

// Nothing when the quotes or escapes are wrong.
std::optional<std::string> Unquote(std::string_view text) {
  if (text.empty() || text.front() != '"') {
    if (text.find_first_of("\"'{},\\ \t") != std::string_view::npos) return std::nullopt;
    return std::string(text);
  }
  auto out = TakeQuoted(&text);
  if (!text.empty()) return std::nullopt;
  return out;
}

// The label's name that `text` begins with, taken off it; empty when it begins with none.
std::string TakeLabel(std::string_view* text) {
  std::string label;
  const bool quoted = text->starts_with('"');
  if (quoted) {
    label = TakeQuoted(text).value_or("");
    if (!IsUtf8(label)) return "";
  }
  while (!quoted && !text->empty() && IsNameCharacter(text->front(), label.empty())) {
    label += text->front();
    text->remove_prefix(1);
  }
  return label.size() <= kLongestLabel ? label : "";
}

}  // namespace

Result<std::string> ParseLabelName(std::string_view text) {
  std::string_view rest = text;
  std::string label = TakeLabel(&rest);
  if (!label.empty() && rest.empty()) return label;
  return Fail(ErrorKind::kInvalid,
              "expected a label's name, found \"" + Excerpt(text) +
                  "\"; names of other than letters, digits and _ are written in double quotes, as "
                  "in a matcher: '\"my.label\"'");
}

Result<engine::Matcher> ParseMatcher(std::string_view text) {
  using Op = engine::Matcher::Op;
  // The longer ones first: "=~" begins with "=".
  constexpr std::array<std::pair<std::string_view, Op>, 4> kOps = {
      {{"=~", Op::kRegex}, {"!~", Op::kNotRegex}, {"!=", Op::kNotEqual}, {"=", Op::kEqual}}};

  std::string_view left = Trim(text);
  engine::Matcher matcher;
  matcher.label = TakeLabel(&left);
  if (matcher.label.empty()) return Bad(text, "it does not begin with a label's name");
  left = Trim(left);
  bool found = false;
  for (const auto& [spelling, op] : kOps) {
    if (!found && left.substr(0, spelling.size()) == spelling) {
      matcher.op = op;
      left.remove_prefix(spelling.size());
      found = true;
    }
  }
  if (!found) return Bad(text, "the label's name is not followed by =, !=, =~ or !~");
  std::optional<std::string> value = Unquote(Trim(left));
  if (!value) return Bad(text, "the value is not rightly quoted");
  matcher.value = *std::move(value);
  if (matcher.value.size() > kLongestValue) return Bad(text, "the value is longer than 256 bytes");
  if (Status compiled = engine::Compile(&matcher); !compiled) {
    return Bad(text, "the value is no regular expression (" +
                         Excerpt(compiled.error().message, 200) + ")");
  }
  return matcher;
}

}  // namespace mailhub::settings
