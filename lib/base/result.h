// Errors as values. The kind tells the caller what to do, so that no code matches error texts.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "lib/base/words.h"

namespace mailhub {

enum class ErrorKind {
  kInvalid,         // the input is wrong: tell its author, do not retry
  kNotFound,        // the named thing does not exist
  kRefused,         // the other side understood and refused: do not retry without a person
  kUnreachable,     // nothing was sent, or nothing can have happened: retry later
  kOverloaded,      // a limit was reached: retry later
  kOutcomeUnknown,  // it may have happened: ask before any repetition
  kCorrupt,         // stored data contradicts itself: stop
  kInternal,        // our own bug
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

// The kind's name in logs and metrics, for example "unreachable".

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

// The same failure with its place put before the message.
inline tl::unexpected<Error> Fail(const std::string& where, const Error& error) {
  return Fail(error.kind, where + ": " + error.message);
}

}  // namespace mailhub
