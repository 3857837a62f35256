#include "exporter/metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace mailhub::exporter {
namespace {

constexpr Metric kCpu{"process_cpu_seconds_total", "CPU time of the exporter, user and system.",
                      Kind::kCounter};
constexpr Metric kResident{"process_resident_memory_bytes", "Resident memory of the exporter."};
constexpr Metric kVirtual{"process_virtual_memory_bytes", "Virtual memory of the exporter."};
constexpr Metric kStart{"process_start_time_seconds", "When the exporter started, in unix time."};
constexpr Metric kOpenFds{"process_open_fds", "Open file descriptors of the exporter."};
constexpr Metric kMaxFds{"process_max_fds", "How many file descriptors the exporter may open."};

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

double BootTime() {
  const std::string text = ReadAll("/proc/stat");
  const size_t found = text.find("\nbtime ");
  return found == std::string::npos ? 0 : std::strtod(text.c_str() + found + 7, nullptr);
}

int CountOpenFds() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -1;  // the directory's own
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(directory);
  return count;
}

}  // namespace

void AddProcessMetrics(Families* families) {
  static const double boot_time = BootTime();
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const std::string text = ReadAll("/proc/self/stat");
  const size_t name_end = text.rfind(')');
  if (name_end != std::string::npos) {
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    double user = 0;
    double system = 0;
    double start = 0;
    double bytes = 0;
    double pages = 0;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    fields >> user >> system;
    for (int i = 16; i < 22; ++i) fields >> skipped;
    fields >> start >> bytes >> pages;
    families->Add(kCpu, {}, (user + system) / ticks);
    families->Add(kStart, {}, boot_time + start / ticks);
    families->Add(kVirtual, {}, bytes);
    families->Add(kResident, {}, pages * page);
  }
  families->Add(kOpenFds, {}, CountOpenFds());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families->Add(kMaxFds, {}, static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace mailhub::exporter
