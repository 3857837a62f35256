// See promql_cursor.h.
#include "actuator/condition/promql_cursor.h"

#include "actuator/condition/promql_names.h"
#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::condition {
bool TokenCursor::NextIsWord(std::string_view word) const {
  return Next().kind == TokenKind::kWord && Lower(std::string(Next().text)) == word;
}

tl::unexpected<Error> TokenCursor::Unexpected() const {
  const Token& token = Next();
  if (token.kind == TokenKind::kEnd) {
    return Fail(ErrorKind::kInvalid,
                "the expression ends early; expected a comparison like `a{instance=\"b\"} >= 0.9`");
  }
  if (token.kind == TokenKind::kRange) {
    return WrongAt(token.begin, token.text.find(':') == std::string_view::npos
                                    ? "expected a range after a metric only, inside rate() and "
                                      "the like"
                                    : "subqueries are refused; `for` demands that a condition "
                                      "lasts");
  }
  if (token.kind == TokenKind::kDuration) {
    return WrongAt(token.begin, "a duration is in brackets only; expected a number");
  }
  if (token.text == ")") return WrongAt(token.begin, "this ) closes nothing");
  if (token.text == "@") {
    return WrongAt(token.begin, "@ is refused: a gate looks at the present moment");
  }
  if (token.text == "{") {
    return WrongAt(token.begin, "expected the metric's name before {, without quotes");
  }
  if (token.kind == TokenKind::kWord) {
    if (const std::string why = WhyRefused(Lower(std::string(token.text))); !why.empty()) {
      return WrongAt(token.begin, why);
    }
  }
  return WrongAt(token.begin, "\"" + Excerpt(token.text) + "\" is not expected here");
}

Status TokenCursor::Expect(std::string_view mark, const char* unclosed) {
  if (Take(mark)) return {};
  if (Next().kind == TokenKind::kEnd) return Fail(ErrorKind::kInvalid, unclosed);
  return Unexpected();
}

// --- the condition itself

}  // namespace mailhub::condition
