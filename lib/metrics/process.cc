#include "lib/metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace mailhub::metrics {
namespace {

constexpr Metric kCpu{"process_cpu_seconds_total", "CPU time of this program, user and system.",
                      Type::Counter};
constexpr Metric kResident{"process_resident_memory_bytes", "Resident memory of this program."};
constexpr Metric kVirtual{"process_virtual_memory_bytes", "Virtual memory of this program."};
constexpr Metric kStart{"process_start_time_seconds", "When this program started, in unix time."};
constexpr Metric kOpenFds{"process_open_fds", "Open file descriptors of this program."};
constexpr Metric kMaxFds{"process_max_fds", "How many file descriptors this program may open."};

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<double> BootTime() {
  const std::string text = ReadAll("/proc/stat");
  const size_t found = text.find("\nbtime ");
  if (found == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + found + 7, nullptr);
}

std::optional<int> CountOpenFds() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  int count = -1;  // minus the directory's own
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(directory);
  return count;
}

}  // namespace

void AddProcessMetrics(Families* families) {
  const std::optional<double> boot_time = BootTime();
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
    if (boot_time) families->Add(kStart, {}, *boot_time + start / ticks);
    families->Add(kVirtual, {}, bytes);
    families->Add(kResident, {}, pages * page);
  }
  if (const auto open_fds = CountOpenFds()) families->Add(kOpenFds, {}, *open_fds);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families->Add(kMaxFds, {}, static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace mailhub::metrics
