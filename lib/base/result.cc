// Names of error kinds.
#include "lib/base/result.h"

namespace mailhub {

const char* Name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kRefused:
      return "refused";
    case ErrorKind::kUnreachable:
      return "unreachable";
    case ErrorKind::kOverloaded:
      return "overloaded";
    case ErrorKind::kOutcomeUnknown:
      return "outcome_unknown";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace mailhub
