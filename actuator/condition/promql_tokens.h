// Splits a PromQL expression into tokens. Only the part that a gate may use has tokens; the rest is
// refused with its position.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::condition {

enum class TokenKind { kWord, kNumber, kDuration, kString, kRange, kMark, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // kString: with its quotes; kRange: without its brackets; kEnd: empty
  size_t begin = 0;       // position in the expression, bytes
  size_t end = 0;
  double number = 0;  // kNumber
};

// kInvalid "character 7: MESSAGE", counted from 1.
tl::unexpected<Error> WrongAt(size_t at, const std::string& message);

// Pure. `[...]` becomes one token; white space and comments become none; kEnd is the last. The
// tokens point into `text`.
Result<std::vector<Token>> SplitPromql(std::string_view text);

// The value of a kString, without quotes and escapes.
std::string Unquoted(std::string_view quoted);

}  // namespace mailhub::condition
