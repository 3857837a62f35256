// Checks of the engine's invariants.
#pragma once

namespace mailhub::engine {

// Aborts the program unless `condition` holds; in release too. The journal makes stopping safe.
void Require(bool condition, const char* what);

}  // namespace mailhub::engine
