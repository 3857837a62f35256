// See journal_command.h. The file's rights say who may read a journal; over HTTP anybody who may look could take
// the outputs of all commands, as one endless answer.
#include "actuator/ctl/journal_command.h"

#include <cstdio>
#include <ctime>

#include "actuator/ctl/output.h"
#include "actuator/ctl/text.h"
#include "actuator/journal/backup.h"
#include "actuator/journal/verify.h"
#include "actuator/settings/settings.h"
#include "lib/base/counted.h"

namespace mailhub::ctl {
namespace {

int ComplainInLines(const Error& error) {
  for (const std::string& line : PrintableLines(error.message))
    std::fprintf(stderr, "mailhubctl: %s\n", line.c_str());
  return 1;
}

Result<std::string> FileOf(const JournalPlace& place) {
  if (!place.file.empty()) return place.file;
  const auto settings = settings::LoadSettings(place.config);
  if (!settings)
    return Fail("the configuration says where the journal is; or name it with --journal",
                settings.error());
  return settings->fixed.journal;
}

std::string TimeText(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return LocalTime({text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)});
}

std::string Summary(const journal::Verified& verified) {
  std::string text = "journal " + verified.id + ", " + Counted(verified.events, "event");
  if (verified.last_at)
    text +=
        ", the last is " + std::to_string(verified.last_seq) + " of " + TimeText(*verified.last_at);
  text += "; " + Counted(verified.runs, "run") + ", " + std::to_string(verified.open_runs) +
          " unfinished";
  if (verified.whole_from > 1)
    text +=
        "; whole from event " + std::to_string(verified.whole_from) + " on, older ones were pruned";
  if (!verified.tables_compared) {
    text += "; an older program's: its tables were not compared with its events";
  } else if (verified.not_compared > 0) {
    text += "; not compared: " + Counted(verified.not_compared, "alert") +
            ", because later events about them may have been pruned";
  }
  return text;
}

}  // namespace

int JournalBackup(const JournalPlace& place, const std::string& to) {
  const auto from = FileOf(place);
  if (!from) return ComplainInLines(from.error());
  const auto copied = journal::Backup(*from, to);
  if (!copied) return ComplainInLines(copied.error());
  Out(Printable(to) + ": " + Summary(*copied) + "; verified\n");
  return 0;
}

int JournalVerify(const JournalPlace& place, const std::string& file) {
  const auto path = file.empty() ? FileOf(place) : Result<std::string>(file);
  if (!path) return ComplainInLines(path.error());
  const auto verified = journal::Verify(*path);
  if (!verified) return ComplainInLines(verified.error());
  Out(Printable(*path) + ": " + Summary(*verified) + "; no mistake\n");
  return 0;
}

}  // namespace mailhub::ctl
