// See promql.h. A parser by recursive descent, with PromQL's precedences and types.
#include "actuator/condition/promql.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "actuator/condition/promql_cursor.h"
#include "actuator/condition/promql_names.h"
#include "lib/base/duration.h"
#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::condition {
namespace {

constexpr size_t kLongestExpression = size_t{8} * 1024;
constexpr int kDeepest = 100;

constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", ">=", "<=", ">", "<"};

// The type of a part of the expression.
struct Part {
  bool scalar = false;   // only numbers; else an instant vector
  double number = 0;     // of a scalar
  bool divides = false;  // may be NaN on good data, like 0/0
  size_t begin = 0;
  size_t end = 0;
};

std::optional<double> Fold(std::string_view sign, double a, double b) {
  const double folded = sign == "+"   ? a + b
                        : sign == "-" ? a - b
                        : sign == "*" ? a * b
                        : sign == "/" ? a / b
                        : sign == "%" ? std::fmod(a, b)
                                      : std::pow(a, b);
  if (!std::isfinite(folded)) return std::nullopt;
  return folded;
}

class Parser : TokenCursor {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : TokenCursor(std::move(tokens)) {
    expression_.text = text;
  }

  Result<GateExpression> All() {
    do {
      if (Status read = TopComparison(); !read) return Fail(read.error());
    } while (TakeWord("and") && (TakeMatching(true, false), !failed_));
    if (failed_) return Fail(*failed_);
    if (Next().kind != TokenKind::kEnd) return Unexpected();
    return std::move(expression_);
  }

 private:
  Status TopComparison() {
    const size_t begin = Before();
    const size_t selectors = expression_.selectors.size();
    if (NextIsOneOf(kComparisons)) return SideMissing();
    const auto left = Sum();
    if (!left) return Fail(left.error());
    const auto sign = TakeOneOf(kComparisons);
    if (!sign) {
      const bool ends = Next().kind == TokenKind::kEnd || NextIsWord("and");
      if (!ends) return Unexpected();
      return WrongAt(begin,
                     "expected a comparison outside all parentheses, like `... >= 0.9`: without "
                     "one the gate would open whatever the value is");
    }
    const size_t left_end = tokens_[i_ - 1].begin;
    const bool matching = TakeMatching(false, true);
    if (failed_) return Fail(*failed_);
    if (NextEndsASide()) return SideMissing();
    const size_t right_begin = Before();
    const auto right = Sum();
    if (!right) return Fail(right.error());
    if (expression_.selectors.size() == selectors) {
      return WrongAt(begin, "expected a metric in this comparison");
    }
    if (Status good = Compared(*sign, *left, *right, matching); !good) return good;
    if (TakeOneOf(kComparisons)) {
      return WrongAt(tokens_[i_ - 1].begin,
                     "a second comparison; expected one, or several joined by `and`");
    }
    if (expression_.comparison.empty()) {
      KeepSides(std::string(*sign), MakeSide(*left, begin, left_end),
                MakeSide(*right, right_begin, Next().begin));
    }
    return {};
  }

  bool NextEndsASide() const {
    return Next().kind == TokenKind::kEnd || NextIsWord("and") || NextIs(")") ||
           NextIsOneOf(kComparisons);
  }
  tl::unexpected<Error> SideMissing() const {
    return WrongAt(Next().begin, "expected something to compare on both sides");
  }

  Side MakeSide(const Part& part, size_t begin, size_t end) const {
    Side side{expression_.text.substr(begin, end - begin), std::nullopt, begin, end};
    if (part.scalar) side.number = part.number;
    return side;
  }

  void KeepSides(std::string sign, Side left, Side right) {
    if (left.number && !right.number) {
      std::swap(left, right);
      if (sign[0] == '<' || sign[0] == '>') sign[0] = sign[0] == '<' ? '>' : '<';
    }
    expression_.comparison = std::move(sign);
    expression_.left = std::move(left);
    expression_.right = std::move(right);
  }

  Status Compared(std::string_view sign, const Part& left, const Part& right, bool matching) const {
    if (left.scalar && right.scalar) {
      return WrongAt(left.begin, "expected a metric in this comparison");
    }
    if (sign == "!=" && (left.divides || right.divides)) {
      return WrongAt(left.begin,
                     "`!=` beside a division, % or ^ is refused: 0/0 differs from everything; "
                     "expected two comparisons with < and >, or none of them");
    }
    return Matched(left, right, matching);
  }

  static Status Matched(const Part& left, const Part& right, bool matching) {
    if (!matching || (!left.scalar && !right.scalar)) return {};
    return WrongAt(left.begin, "on and ignoring need a metric on both sides");
  }

  // --- operators, from the loosest
  Result<Part> Nested() {
    const auto deeper = Deeper();
    if (!deeper) return Fail(deeper.error());
    Result<Part> left = NestedComparison();
    while (left && TakeWord("and")) {
      TakeMatching(true, false);
      if (failed_) return Fail(*failed_);
      auto right = NestedComparison();
      if (!right) return right;
      if (left->scalar || right->scalar) {
        return WrongAt(left->begin, "`and` needs a metric on both sides");
      }
      left->divides = left->divides || right->divides;
      left->end = right->end;
    }
    --depth_;
    return left;
  }

  Result<Part> NestedComparison() {
    auto left = Sum();
    if (!left) return left;
    const auto sign = TakeOneOf(kComparisons);
    if (!sign) return left;
    const bool matching = TakeMatching(false, true);
    if (failed_) return Fail(*failed_);
    if (NextEndsASide()) return SideMissing();
    auto right = Sum();
    if (!right) return right;
    if (Status good = Compared(*sign, *left, *right, matching); !good) return Fail(good.error());
    if (TakeOneOf(kComparisons)) return WrongAt(tokens_[i_ - 1].begin, "a second comparison");
    return Part{false, 0, left->divides || right->divides, left->begin, right->end};
  }

  Result<Part> Sum() {
    return Chain(std::array<std::string_view, 2>{"+", "-"}, [this] { return Product(); });
  }
  Result<Part> Product() {
    return Chain(std::array<std::string_view, 3>{"*", "/", "%"}, [this] { return Signed(); });
  }
  template <size_t N, typename Operand>
  Result<Part> Chain(const std::array<std::string_view, N>& signs, const Operand& operand) {
    Result<Part> left = operand();
    while (left) {
      const auto sign = TakeOneOf(signs);
      if (!sign) break;
      const bool matching = TakeMatching(false, true);
      if (failed_) return Fail(*failed_);
      auto right = operand();
      if (!right) return right;
      left = Combine(*sign, *left, *right, matching);
    }
    return left;
  }

  Result<Part> Signed() {
    const auto deeper = Deeper();
    if (!deeper) return Fail(deeper.error());
    const size_t begin = Next().begin;
    const bool minus = NextIs("-");
    Result<Part> part;
    if (Take("-") || Take("+")) {
      part = Signed();
    } else {
      part = Power();
    }
    --depth_;
    if (!part) return part;
    if (minus) part->number = -part->number;
    part->begin = begin;
    return part;
  }
  // From the right: 2 ^ 3 ^ 2 is 2 ^ (3 ^ 2), and -2 ^ 2 is -(2 ^ 2).
  Result<Part> Power() {
    auto base = Operand();
    if (!base || !Take("^")) return base;
    const bool matching = TakeMatching(false, true);
    if (failed_) return Fail(*failed_);
    auto exponent = Signed();
    if (!exponent) return exponent;
    return Combine("^", *base, *exponent, matching);
  }

  Result<Part> Combine(std::string_view sign, const Part& left, const Part& right, bool matching) {
    if (Status good = Matched(left, right, matching); !good) return Fail(good.error());
    Part both{left.scalar && right.scalar, 0, left.divides || right.divides, left.begin, right.end};
    if (both.scalar) {
      const auto folded = Fold(sign, left.number, right.number);
      if (!folded) return WrongAt(left.begin, "this is not a finite number");
      both.number = *folded;
      return both;
    }
    const bool by_number = right.scalar && right.number != 0;
    const bool whole =
        right.scalar && right.number >= 0 && right.number == std::floor(right.number);
    if ((sign == "/" || sign == "%") && !by_number) both.divides = true;
    if (sign == "^" && !whole) both.divides = true;
    return both;
  }

  Status Deeper() {
    if (++depth_ > kDeepest) return WrongAt(Next().begin, "nested too deeply");
    return {};
  }

  // --- operands
  Result<Part> Operand() {
    const Token& token = Next();
    if (token.kind == TokenKind::kNumber) {
      ++i_;
      return Part{true, token.number, false, token.begin, token.end};
    }
    if (Take("(")) {
      auto inner = Nested();
      if (!inner) return inner;
      if (Status end = Expect(")", "a parenthesis is not closed"); !end) return Fail(end.error());
      inner->begin = token.begin;
      inner->end = Before();
      return inner;
    }
    if (token.kind == TokenKind::kString) {
      return WrongAt(token.begin, "a text is not expected here");
    }
    if (token.kind != TokenKind::kWord) return Unexpected();
    if (IsAggregation(Lower(std::string(token.text))) && AggregationFollows()) return Aggregated();
    if (const std::string why = WhyRefused(Lower(std::string(token.text))); !why.empty()) {
      return WrongAt(token.begin, why);
    }
    const Token& after = tokens_[i_ + 1];
    if (after.kind == TokenKind::kMark && after.text == "(") return Called();
    return Selected(false, false);
  }

  bool AggregationFollows() const {
    const Token& after = tokens_[i_ + 1];
    const std::string word = Lower(std::string(after.text));
    return (after.kind == TokenKind::kMark && word == "(") || word == "by" || word == "without";
  }

  Result<Part> Aggregated() {
    const size_t begin = Next().begin;
    ++i_;
    const auto grouping = [&] {
      if (!TakeWord("by") && !TakeWord("without")) return false;
      Labels(nullptr);
      return true;
    };
    const bool grouped = grouping();
    if (failed_) return Fail(*failed_);
    auto inner = Argument("(", ")");
    if (!inner) return inner;
    if (inner->scalar) return WrongAt(inner->begin, "expected a metric in this aggregation");
    if (!grouped) grouping();
    if (failed_) return Fail(*failed_);
    return Part{false, 0, inner->divides, begin, Before()};
  }

  Result<Part> Argument(std::string_view open, std::string_view close) {
    if (Status begin = Expect(open, "a parenthesis is not closed"); !begin) {
      return Fail(begin.error());
    }
    auto inner = Nested();
    if (!inner) return inner;
    if (Status end = Expect(close, "a parenthesis is not closed"); !end) return Fail(end.error());
    return inner;
  }

  Result<Part> Called() {
    const Token name = Next();
    const Function* function = FindFunction(name.text);
    if (function == nullptr) return WrongAt(name.begin, FunctionRefused(std::string(name.text)));
    i_ += 2;
    Result<Part> first =
        function->takes == Function::Takes::kRange ? Selected(true, function->rate) : Nested();
    if (!first) return first;
    if (first->scalar) return WrongAt(first->begin, "expected a metric here");
    std::vector<Part> numbers;
    while (Take(",")) {
      auto number = Nested();
      if (!number) return number;
      if (!number->scalar) return WrongAt(number->begin, "expected a number here");
      numbers.push_back(*number);
    }
    const int count = static_cast<int>(numbers.size());
    if (count < function->least_numbers || count > function->most_numbers) {
      return WrongAt(name.begin, "`" + std::string(name.text) + "` takes " +
                                     std::to_string(function->least_numbers) +
                                     " numbers after the "
                                     "metric, found " +
                                     std::to_string(count));
    }
    if (name.text == "round" && count == 1 && numbers[0].number <= 0) {
      return WrongAt(numbers[0].begin, "expected a number above 0");
    }
    if (Status end = Expect(")", "a parenthesis is not closed"); !end) return Fail(end.error());
    return Part{false, 0, first->divides, name.begin, Before()};
  }

  Result<Part> Selected(bool ranged, bool rate) {
    const Token& name = Next();
    if (name.kind != TokenKind::kWord) return Unexpected();
    if (const std::string why = WhyNoMetric(name.text); !why.empty()) {
      return WrongAt(name.begin, why);
    }
    ++i_;
    Selector selector;
    selector.metric = name.text;
    selector.rate = rate;
    selector.begin = name.begin;
    selector.name_end = name.end;
    if (NextIs("{")) {
      if (Status read = Matchers(&selector); !read) return Fail(read.error());
    }
    selector.end = Before();
    if (ranged) {
      if (Status read = Range(&selector); !read) return Fail(read.error());
    }
    expression_.selectors.push_back(selector);
    if (NextIsWord("offset")) return Unexpected();
    return Part{false, 0, false, name.begin, Before()};
  }

  Status Range(Selector* selector) {
    const Token& token = Next();
    if (token.kind != TokenKind::kRange) {
      return WrongAt(token.begin, "expected a range like [1m] after the metric");
    }
    if (token.text.find(':') != std::string_view::npos) return Unexpected();
    const auto range = ParseDuration(token.text);
    if (!range || range->count() == 0) {
      return WrongAt(token.begin,
                     "expected a duration like [1m], found [" + Excerpt(token.text) + "]");
    }
    selector->range = *range;
    expression_.longest_range = std::max(expression_.longest_range, *range);
    ++i_;
    return {};
  }

  Status Matchers(Selector* selector) {
    selector->brace = Next().end;
    ++i_;
    while (!Take("}")) {
      if (Next().kind == TokenKind::kEnd) {
        return Fail(ErrorKind::kInvalid, "a brace is not closed");
      }
      const Token& label = Next();
      const bool whole = label.kind == TokenKind::kWord && i_ + 2 < tokens_.size() &&
                         tokens_[i_ + 1].kind == TokenKind::kMark &&
                         IsMatchSign(tokens_[i_ + 1].text) &&
                         tokens_[i_ + 2].kind == TokenKind::kString;
      if (!whole) return WrongAt(label.begin, "expected a matcher like name=\"value\"");
      const std::string value = Unquoted(tokens_[i_ + 2].text);
      if (const auto why = WhyNoMatcher(label.text, tokens_[i_ + 1].text, value); !why.empty()) {
        return WrongAt(label.begin, why);
      }
      if (label.text == "instance" && tokens_[i_ + 1].text == "=") selector->instance = value;
      i_ += 3;
      if (!Take(",") && !NextIs("}") && Next().kind != TokenKind::kEnd) {
        return WrongAt(Next().begin, "expected , or } after a matcher");
      }
    }
    return {};
  }

  // --- on, ignoring, group_left, group_right. True when there were some; failed_ when wrong.
  bool TakeMatching(bool set, bool grouping) {
    std::vector<std::string> matched;
    const bool on = NextIsWord("on");
    if (!TakeWord("on") && !TakeWord("ignoring")) return false;
    Labels(&matched);
    if (failed_ || set || !grouping) return true;
    if (!TakeWord("group_left") && !TakeWord("group_right")) return true;
    std::vector<std::string> carried;
    const size_t at = Next().begin;
    if (NextIs("(")) {
      Labels(&carried);
    } else {
      expression_.bare_groupings.push_back(Before());
    }
    for (const std::string& label : carried) {
      if (on && !failed_ && std::ranges::find(matched, label) != matched.end()) {
        failed_ = WrongAt(at, "\"" + Excerpt(label) + "\" is in `on` already").value();
      }
    }
    return true;
  }

  void Labels(std::vector<std::string>* labels) {
    if (failed_) return;
    if (Status open = Expect("(", "a parenthesis is not closed"); !open) {
      failed_ = open.error();
      return;
    }
    while (!Take(")")) {
      const Token& label = Next();
      if (label.kind == TokenKind::kEnd) {
        failed_ = Error{ErrorKind::kInvalid, "a parenthesis is not closed"};
      } else if (label.kind != TokenKind::kWord || !IsGroupedLabel(label.text)) {
        failed_ = WrongAt(label.begin, "expected a label's name, without quotes").value();
      }
      if (failed_) return;
      if (labels != nullptr) labels->emplace_back(label.text);
      ++i_;
      if (!Take(",") && !NextIs(")")) {
        failed_ = Next().kind == TokenKind::kEnd
                      ? Error{ErrorKind::kInvalid, "a parenthesis is not closed"}
                      : WrongAt(Next().begin, "expected , or ) after a label's name").value();
        return;
      }
    }
  }

  int depth_ = 0;
  std::optional<Error> failed_;
  GateExpression expression_;
};

}  // namespace

Result<GateExpression> ReadGateExpression(std::string_view expr) {
  if (expr.size() > kLongestExpression) {
    return Fail(ErrorKind::kInvalid, "longer than 8 KiB");
  }
  auto tokens = SplitPromql(expr);
  if (!tokens) return Fail(tokens.error());
  return Parser(expr, std::move(*tokens)).All();
}

}  // namespace mailhub::condition
