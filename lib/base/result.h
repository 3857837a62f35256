// Errors as values. A failure's kind names what the caller should do about it, so nobody matches
// error texts.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "lib/base/words.h"

namespace mailhub {

enum class ErrorKind {
  kInvalid,         // the input is wrong: tell whoever wrote it, do not retry
  kNotFound,        // what was named does not exist
  kRefused,         // the other side understood and said no: do not retry without a person
  kUnreachable,     // nothing was sent or nothing can have happened: retry when it is back
  kOverloaded,      // a bound was met: retry later
  kOutcomeUnknown,  // it may have happened: ask before doing anything again
  kCorrupt,         // stored data contradicts itself: stop
  kInternal,        // our own mistake
};
constexpr auto WordsOf(ErrorKind) {
  using enum ErrorKind;
  return Vocabulary<ErrorKind>({
      {kInvalid, "invalid"},
      {kNotFound, "not_found"},
      {kRefused, "refused"},
      {kUnreachable, "unreachable"},
      {kOverloaded, "overloaded"},
      {kOutcomeUnknown, "outcome_unknown"},
      {kCorrupt, "corrupt"},
      {kInternal, "internal"},
  });
}

// The kind's name as logs and metrics show it, e.g. "unreachable".

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;  // a sentence for a person; names the file, field or host it is about
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// For `return Fail(ErrorKind::kInvalid, "...")` in any function that returns a Result.
inline tl::unexpected<Error> Fail(ErrorKind kind, std::string message) {
  return tl::make_unexpected(Error{kind, std::move(message)});
}
inline tl::unexpected<Error> Fail(Error error) {
  return tl::make_unexpected(std::move(error));
}

// The same failure, with where it happened put before its message.
inline tl::unexpected<Error> Fail(const std::string& where, const Error& error) {
  return Fail(error.kind, where + ": " + error.message);
}

}  // namespace mailhub
