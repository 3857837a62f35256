// The position of a PromQL parser among the tokens, and its error messages.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/condition/promql_tokens.h"
#include "lib/base/result.h"

namespace mailhub::condition {

// Base of the parsers. `tokens` ends with kEnd, which is never taken.
class TokenCursor {
 protected:
  explicit TokenCursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Next() const { return tokens_[i_]; }
  bool NextIs(std::string_view mark) const {
    return Next().kind == TokenKind::kMark && Next().text == mark;
  }
  bool NextIsWord(std::string_view word) const;  // in any case of letters
  bool Take(std::string_view mark) {
    if (!NextIs(mark)) return false;
    ++i_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!NextIsWord(word)) return false;
    ++i_;
    return true;
  }
  template <size_t N>
  bool NextIsOneOf(const std::array<std::string_view, N>& marks) const {
    return std::ranges::any_of(marks, [this](std::string_view mark) { return NextIs(mark); });
  }
  template <size_t N>
  std::optional<std::string_view> TakeOneOf(const std::array<std::string_view, N>& marks) {
    for (const std::string_view mark : marks) {
      if (Take(mark)) return mark;
    }
    return std::nullopt;
  }
  size_t Before() const { return i_ == 0 ? 0 : tokens_[i_ - 1].end; }
  // kInvalid: the next token is not expected here, with the reason.
  tl::unexpected<Error> Unexpected() const;
  // Takes `mark`. At the end of the expression the error is `unclosed`.
  Status Expect(std::string_view mark, const char* unclosed);

  const std::vector<Token> tokens_;
  size_t i_ = 0;
};

}  // namespace mailhub::condition
