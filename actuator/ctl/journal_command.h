// `journal backup` and `journal verify`: the journal's file itself, without the actuator.
#pragma once

#include <string>

namespace mailhub::ctl {

// Where the journal is: `file`, or what the actuator's configuration says.
struct JournalPlace {
  std::string file;  // empty: as in the configuration
  std::string config = "/etc/mailhub/actuator.yml";
};

// Both work on the file, beside a running actuator or without one, and return the exit status.
// Copies the journal to a new file, and verifies the copy before it has its name.
int JournalBackup(const JournalPlace& place, const std::string& to);
// Verifies the journal, or the file `file` if it is not empty.
int JournalVerify(const JournalPlace& place, const std::string& file);

}  // namespace mailhub::ctl
