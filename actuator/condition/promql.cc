// See promql.h. A tokenizer and one walk over the tokens; no grammar is built.
#include "actuator/condition/promql.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "lib/base/duration.h"
#include "lib/base/printable.h"

namespace mailhub::condition {
namespace {

constexpr size_t kLongestExpression = size_t{8} * 1024;

enum class Kind { kWord, kNumber, kDuration, kString, kRange, kMark };

struct Token {
  Kind kind;
  std::string_view text;  // kString: without its quotes; kRange: without its brackets
  size_t begin;
  size_t end;
};

template <size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& choices) {
  return std::ranges::find(choices, text) != choices.end();
}

constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", ">=", "<=", ">", "<"};
constexpr std::array<std::string_view, 6> kLabelLists = {"by",       "without",    "on",
                                                         "ignoring", "group_left", "group_right"};
constexpr std::array<std::string_view, 12> kAggregations = {
    "sum",    "min",   "max",          "avg",     "group", "stddev",
    "stdvar", "count", "count_values", "bottomk", "topk",  "quantile"};
constexpr std::array<std::string_view, 9> kClocks = {"time",        "timestamp",     "minute",
                                                     "hour",        "day_of_week",   "day_of_month",
                                                     "day_of_year", "days_in_month", "month"};

bool IsWordStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}
bool IsDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

tl::unexpected<Error> Wrong(size_t at, const std::string& message) {
  return Fail(ErrorKind::kInvalid, "character " + std::to_string(at + 1) + ": " + message);
}

// Splits the text; `[...]` becomes one token, white space and comments none.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> All() {
    std::vector<Token> tokens;
    while (true) {
      SkipSpace();
      if (at_ >= text_.size()) return tokens;
      auto token = Next();
      if (!token) return Fail(token.error());
      tokens.push_back(*token);
    }
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else {
        return;
      }
    }
  }

  Token Until(size_t end, Kind kind) {
    const Token token{kind, text_.substr(at_, end - at_), at_, end};
    at_ = end;
    return token;
  }

  Result<Token> Next() {
    const char c = text_[at_];
    if (c == '"' || c == '\'' || c == '`') return String(c);
    if (c == '[') return Range();
    if (IsWordStart(c)) {
      size_t end = at_;
      while (end < text_.size() && (IsWordStart(text_[end]) || IsDigit(text_[end]))) ++end;
      return Until(end, Kind::kWord);
    }
    if (IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]))) {
      return Number();
    }
    for (const std::string_view mark : {"==", "!=", ">=", "<=", "=~", "!~"}) {
      if (text_.substr(at_, 2) == mark) return Until(at_ + 2, Kind::kMark);
    }
    if (std::string_view("(){}+-*/%^<>=,@").find(c) == std::string_view::npos) {
      return Wrong(at_, "'" + Excerpt(text_.substr(at_, 1)) + "' is not understood");
    }
    return Until(at_ + 1, Kind::kMark);
  }

  Result<Token> String(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) {
      end += text_[end] == '\\' && quote != '`' ? 2 : 1;
    }
    if (end >= text_.size()) return Wrong(at_, "this text has no closing quote");
    const Token token{Kind::kString, text_.substr(at_ + 1, end - at_ - 1), at_, end + 1};
    at_ = end + 1;
    return token;
  }

  Result<Token> Range() {
    const size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return Wrong(at_, "this [ has no ]");
    const Token token{Kind::kRange, text_.substr(at_ + 1, end - at_ - 1), at_, end + 1};
    at_ = end + 1;
    return token;
  }

  Result<Token> Number() {
    size_t end = at_;
    while (end < text_.size() &&
           (IsDigit(text_[end]) || text_[end] == '.' || std::isalpha(text_[end]) != 0 ||
            ((text_[end] == '+' || text_[end] == '-') && Lower(text_.substr(end - 1, 1)) == "e"))) {
      ++end;
    }
    double value = 0;
    const std::string_view text = text_.substr(at_, end - at_);
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ParseDuration(text) && text != "0") return Until(end, Kind::kDuration);
    if (error != std::errc() || stop != text.data() + text.size()) {
      return Wrong(at_, "\"" + Excerpt(text) + "\" is not a number");
    }
    return Until(end, Kind::kNumber);
  }

  const std::string_view text_;
  size_t at_ = 0;
};

std::optional<double> PlainNumber(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// Walks over the tokens once. `depth_` counts open parentheses: what stands at depth 0 is the
// condition itself.
class Walk {
 public:
  Walk(std::string_view text, std::vector<Token> tokens)
      : text_(text), tokens_(std::move(tokens)) {}

  Result<GateExpression> Done() {
    while (i_ < tokens_.size()) {
      if (Status step = Step(); !step) return Fail(step.error());
    }
    if (depth_ != 0) return Fail(ErrorKind::kInvalid, "a parenthesis is not closed");
    if (Status end = EndOperand(text_.size()); !end) return Fail(end.error());
    return std::move(expression_);
  }

 private:
  bool NextIs(std::string_view mark, size_t from) const {
    return from < tokens_.size() && tokens_[from].kind == Kind::kMark && tokens_[from].text == mark;
  }

  Status Step() {
    const Token& token = tokens_[i_];
    if (token.kind == Kind::kWord) return Word(token);
    if (token.kind == Kind::kRange) return Range(token);
    if (token.kind == Kind::kMark) return Mark(token);
    if (token.kind == Kind::kDuration) {
      return Wrong(token.begin, "a duration stands in brackets only; expected a number");
    }
    ++i_;
    return {};
  }

  Status Mark(const Token& token) {
    if (token.text == "(") ++depth_;
    if (token.text == ")" && --depth_ < 0) return Wrong(token.begin, "this ) closes nothing");
    if (token.text == "{") return Wrong(token.begin, "expected the metric's name before {");
    if (token.text == "@") {
      return Wrong(token.begin, "@ is refused: a gate looks at the present moment");
    }
    if (depth_ == 0 && OneOf(token.text, kComparisons)) {
      if (compared_at_ != nullptr) {
        return Wrong(token.begin, "a second comparison; expected one, or several joined by `and`");
      }
      compared_at_ = &token;
    }
    ++i_;
    return {};
  }

  Status Range(const Token& token) {
    if (token.text.find(':') != std::string_view::npos) {
      return Wrong(token.begin, "subqueries are refused; `for` demands that a condition lasts");
    }
    const auto range = ParseDuration(token.text);
    if (!range || range->count() == 0) {
      return Wrong(token.begin,
                   "expected a duration like [1m], found [" + Excerpt(token.text) + "]");
    }
    expression_.longest_range = std::max(expression_.longest_range, *range);
    ++i_;
    return {};
  }

  Status Word(const Token& token) {
    const std::string word = Lower(token.text);
    if (OneOf(word, kLabelLists) && NextIs("(", i_ + 1)) return SkipLabels();
    if (word == "and") {
      if (depth_ == 0) {
        if (Status end = EndOperand(token.begin); !end) return end;
        operand_ = token.end;
      }
      ++i_;
      if (i_ < tokens_.size() && OneOf(Lower(tokens_[i_].text), kLabelLists)) {
        if (Status labels = SkipLabels(); !labels) return labels;
        if (depth_ == 0) operand_ = tokens_[i_ - 1].end;
      }
      return {};
    }
    if (Status allowed = RefuseWord(token, word); !allowed) return allowed;
    if (word == "group_left" || word == "group_right" || word == "atan2" || word == "inf" ||
        word == "nan" || OneOf(word, kAggregations) || NextIs("(", i_ + 1)) {
      ++i_;
      return {};
    }
    return Metric(token);
  }

  Status RefuseWord(const Token& token, const std::string& word) const {
    const std::string quoted = "`" + word + "`";
    if (word == "or" || word == "unless") {
      return Wrong(token.begin, quoted + " is refused: what is missing could make the gate open");
    }
    if (word == "bool") {
      return Wrong(token.begin, "`bool` is refused: 0 would open the gate as 1 does");
    }
    if (word == "offset") {
      return Wrong(token.begin, "`offset` is refused: a gate looks at the present moment");
    }
    if (!NextIs("(", i_ + 1)) return {};
    if (word == "absent" || word == "absent_over_time" || word == "vector") {
      return Wrong(token.begin,
                   quoted +
                       " is refused: what is missing could make the gate open; the exporter "
                       "says 0 for what is not there");
    }
    if (OneOf(word, kClocks) || word == "year") {
      return Wrong(token.begin, quoted + " is refused: it would compare two machines' clocks");
    }
    return {};
  }

  Status SkipLabels() {
    const size_t begin = tokens_[i_].begin;
    while (i_ < tokens_.size() && !NextIs(")", i_)) ++i_;
    if (i_ == tokens_.size()) return Wrong(begin, "a parenthesis is not closed");
    ++i_;
    return {};
  }

  Status Metric(const Token& token) {
    const std::string name(token.text);
    if (name.find(':') != std::string::npos) {
      return Wrong(token.begin, "\"" + Excerpt(name) +
                                    "\" is a recorded name; expected raw series, because a "
                                    "recording lags its inputs");
    }
    const bool ours = name.starts_with("probe_") ||
                      (name.starts_with("mailhub_") && !name.starts_with("mailhub_actuator_") &&
                       !name.starts_with("mailhub_exporter_"));
    if (!ours) {
      return Wrong(token.begin, "\"" + Excerpt(name) +
                                    "\" is not a metric of the exporter's probes (mailhub_..., "
                                    "probe_...)");
    }
    metrics_in_operand_ += 1;
    expression_.selectors.push_back({name, ""});
    ++i_;
    if (!NextIs("{", i_)) return {};
    return Matchers();
  }

  Status Matchers() {
    for (++i_; i_ < tokens_.size() && !NextIs("}", i_);) {
      const bool whole = i_ + 2 < tokens_.size() && tokens_[i_].kind == Kind::kWord &&
                         tokens_[i_ + 1].kind == Kind::kMark &&
                         tokens_[i_ + 2].kind == Kind::kString;
      if (!whole) return Wrong(tokens_[i_].begin, "expected a matcher like name=\"value\"");
      if (tokens_[i_].text == "__name__") {
        return Wrong(tokens_[i_].begin, "__name__ is refused; expected the metric's name before {");
      }
      if (tokens_[i_].text == "instance" && tokens_[i_ + 1].text == "=") {
        expression_.selectors.back().instance = std::string(tokens_[i_ + 2].text);
      }
      i_ += 3;
      if (NextIs(",", i_)) ++i_;
    }
    if (i_ == tokens_.size()) return Fail(ErrorKind::kInvalid, "a brace is not closed");
    ++i_;
    return {};
  }

  // The operand of the top level's `and` that ends before `end`.
  Status EndOperand(size_t end) {
    if (compared_at_ == nullptr) {
      return Wrong(operand_,
                   "expected a comparison outside all parentheses, like `... >= 0.9`: without one "
                   "the gate would open whatever the value is");
    }
    if (metrics_in_operand_ == 0) return Wrong(operand_, "expected a metric in this comparison");
    const size_t right = RightSide();
    const bool has_left = compared_at_ != tokens_.data() && compared_at_[-1].begin >= operand_;
    if (!has_left || right == tokens_.size() || tokens_[right].begin >= end) {
      return Wrong(compared_at_->begin, "expected something to compare on both sides");
    }
    if (expression_.comparison.empty()) Split(end, right);
    compared_at_ = nullptr;
    metrics_in_operand_ = 0;
    return {};
  }

  // Where the right side's tokens begin: on(...) and the like belong to the comparison.
  size_t RightSide() const {
    size_t next = static_cast<size_t>(compared_at_ - tokens_.data()) + 1;
    while (next < tokens_.size() && OneOf(Lower(tokens_[next].text), kLabelLists)) {
      if (!NextIs("(", ++next)) continue;
      while (next < tokens_.size() && !NextIs(")", next)) ++next;
      if (next < tokens_.size()) ++next;
    }
    return next;
  }

  void Split(size_t end, size_t right_side) {
    const size_t right = tokens_[right_side - 1].end;
    const auto side = [&](size_t from, size_t to) {
      const std::string text(text_.substr(from, to - from));
      return Side{text, PlainNumber(text)};
    };
    expression_.left = side(operand_, compared_at_->begin);
    expression_.comparison = std::string(compared_at_->text);
    expression_.right = side(right, end);
    if (!expression_.left.number || expression_.right.number) return;
    std::swap(expression_.left, expression_.right);
    char& sign = expression_.comparison.front();
    if (sign == '<' || sign == '>') sign = sign == '<' ? '>' : '<';
  }

  const std::string_view text_;
  const std::vector<Token> tokens_;
  size_t i_ = 0;
  int depth_ = 0;
  size_t operand_ = 0;  // where the operand being read begins
  const Token* compared_at_ = nullptr;
  int metrics_in_operand_ = 0;
  GateExpression expression_;
};

}  // namespace

Result<GateExpression> ReadGateExpression(std::string_view expr) {
  if (expr.size() > kLongestExpression) {
    return Fail(ErrorKind::kInvalid, "longer than 8 KiB");
  }
  auto tokens = Tokenizer(expr).All();
  if (!tokens) return Fail(tokens.error());
  return Walk(expr, std::move(*tokens)).Done();
}

std::string CollectorOf(std::string_view metric) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kPrefixes = {{
      {"mailhub_host_", "host"},
      {"mailhub_process_", "processes"},
      {"mailhub_thread_", "processes"},
      {"mailhub_service_", "services"},
      {"mailhub_directory_", "directories"},
      {"mailhub_file_", "files"},
      {"mailhub_port_", "ports"},
      {"mailhub_check_", "checks"},
  }};
  for (const auto& [prefix, collector] : kPrefixes) {
    if (metric.starts_with(prefix)) return std::string(collector);
  }
  return "";
}

}  // namespace mailhub::condition
