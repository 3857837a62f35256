// Copies a journal while an actuator may be writing it.
#pragma once

#include <string>

#include "actuator/journal/verify.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// Copies one committed state of the journal at `from` to the new file `to` (mode 0600), whose
// directory must exist, and says what the copy has. Does not hold up the writer: it reads, and
// writers do not wait for readers. `to` gets its name only once the copy is verified and on the
// disk, so whatever has that name is good. Errors:
//   kRefused      `to` exists; no permission; `from` is not a journal
//   kNotFound     no such journal or directory
//   kOverloaded, kOutcomeUnknown   disk full, I/O errors; there is no file `to`
//   kCorrupt      `from` is damaged, as Verify says
Result<Verified> Backup(const std::string& from, const std::string& to);

}  // namespace mailhub::journal
