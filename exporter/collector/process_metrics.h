// The families of processes, which hosts with and without /proc share.
#pragma once

#include <algorithm>
#include <string>

#include "exporter/metrics/family.h"

namespace mailhub::exporter {

// All processes that one entry of the site file matches, together.
struct ProcessFigures {
  int count = 0;
  double resident_bytes = 0;
  double threads = 0;
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // the oldest one's

  void Add(const ProcessFigures& other) {
    start_time_seconds = count == 0 ? other.start_time_seconds
                                    : std::min(start_time_seconds, other.start_time_seconds);
    count += other.count;
    resident_bytes += other.resident_bytes;
    threads += other.threads;
    cpu_seconds += other.cpu_seconds;
  }
};

void AddProcess(const std::string& label, const ProcessFigures& figures, Families* families);

}  // namespace mailhub::exporter
