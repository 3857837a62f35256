// See require.h.
#include "actuator/engine/require.h"

#include <cstdio>
#include <cstdlib>

namespace mailhub::engine {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mailhub: engine invariant broken: %s\n", what);
  std::abort();
}

}  // namespace mailhub::engine
