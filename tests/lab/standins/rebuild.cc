// /home/exim/scripts/rebuild: reads every alias from the directory and writes the table that Exim
// routes by.
//
// The table changes at the very end and at once, by rename. Exit 0: written. 1: the directory was
// missing or died midway. 2: the table could not be written. 143: told to stop. In the last three
// cases the old table stays.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "common/evidence.h"
#include "common/knobs.h"
#include "common/wire.h"

namespace {

using lab::Event;
using std::chrono::seconds;

constexpr char kTable[] = "/home/exim/tables/aliases";
constexpr char kRebuiltMark[] = "/home/exim/tables/.rebuilt";
constexpr int kReportEvery = 5000;
constexpr seconds kPatience{30};

int End(int status, const std::string& why, int entries) {
  Event("rebuild", "end").Add("exit", status).Add("why", why).Add("entries", entries).Send();
  std::printf("rebuild: %s\n", why.c_str());
  return status;
}

bool Told(int signals) {
  pollfd waiting{signals, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

bool WriteTable(const std::string& table) {
  const std::string temporary = std::string(kTable) + "." + std::to_string(getpid());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  std::size_t done = 0;
  while (done < table.size()) {
    const ssize_t count = write(fd, table.data() + done, table.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  const bool whole = done == table.size() && fsync(fd) == 0;
  if (close(fd) != 0 || !whole || rename(temporary.c_str(), kTable) != 0) {
    unlink(temporary.c_str());
    return false;
  }
  return true;
}

// The next start of the hub's registration client is a full resynchronisation.
void LeaveMark() {
  const int fd = open(kRebuiltMark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) close(fd);
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int signals = lab::TerminationDescriptor();
  Event("rebuild", "begin").Add("ppid", getppid()).Send();
  char host[64] = {};
  gethostname(host, sizeof host - 1);
  auto directory = lab::ConnectTcp(lab::kDirectoryAddress, lab::kDirectoryPort, seconds(5));
  if (!directory || !directory->Send("BIND rebuild " + std::string(host) + "\nALIASES\n") ||
      !directory->ReadLine(kPatience)) {
    return End(1, "the directory does not answer", 0);
  }

  std::string table;
  int entries = 0;
  for (;;) {
    if (Told(signals)) return End(143, "told to stop", entries);
    const auto line = directory->ReadLine(kPatience);
    if (!line) return End(1, "the directory went away", entries);
    if (line->rfind(". ", 0) == 0) break;
    if (line->rfind("= ", 0) != 0) return End(1, "the directory answers nonsense", entries);
    table.append(*line, 2).append("\n");
    if (++entries % kReportEvery == 0) std::printf("rebuild: %d aliases read\n", entries);
  }
  if (!WriteTable(table)) return End(2, "cannot write the table", entries);
  LeaveMark();
  return End(0, "wrote " + std::to_string(entries) + " aliases", entries);
}
