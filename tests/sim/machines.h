// The effects of the runbooks' commands on the site's machines, and the resulting metrics: values
// by host and series, with their whole past. Each shipped runbook's command is known; the made-up
// runbooks' commands are few: `@service NAME.service STATE systemd`, `sim start|stop NAME`, `sim
// mark NAME` and `sim job SECONDS NAME`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mailhub::sim {

// One side of a gate's comparison: the values of one or more series.
struct Series {
  std::string host;
  std::string name;  // "process_running eddy"
};
// A condition of the shipped runbooks, parsed only as far as needed here.
struct Condition {
  std::vector<Series> left;
  std::string comparison;
  double factor = 1;  // of the right side; the number itself if there is no series
  std::optional<Series> right;
  int64_t rate_window_ms = 0;  // not 0: the left side is a share of idle time
};
const Condition& ParseCondition(const std::string& expr);

// The service that a command stops or restarts, if a run must restart it.
struct ServiceTouch {
  std::string name;  // as its series: "service_state regclient"
  bool up = false;
};
std::optional<ServiceTouch> TouchOf(const std::string& command);

class Machines {
 public:
  Machines();

  double Value(const Series& series, int64_t at_ms) const;
  // The number of the left side's series that satisfy the condition.
  int Holding(const Condition& condition, int64_t at_ms) const;

  // Carries out a command of the shipped runbooks. `later` schedules the rest for a later time.
  using Later = std::function<void(int64_t after_ms, std::function<void()>)>;
  void Effect(const std::string& host, const std::string& command, int64_t now_ms,
              const Later& later);
  // Whether made-up alerts' `only_if` holds from now on; true at first.
  void Need(bool needed, int64_t now_ms) { Set("box1", "check_value need", needed, now_ms); }
  // Starts everything that the machine starts by itself.
  void Boot(const std::string& host, int64_t now_ms);
  // A command's duration without faults.
  static int64_t DurationMs(const std::string& command);

  // Called with host, service and whether it is up, for services that a run must restart.
  std::function<void(const std::string&, const std::string&, bool)> on_service;

 private:
  struct Change {
    int64_t at_ms = 0;
    double value = 0;
  };
  void Set(const std::string& host, const std::string& name, double value, int64_t at_ms);
  bool MadeUp(const std::string& host, const std::string& command, int64_t now_ms);
  void StartDirectory(int64_t now_ms, const Later& later);
  double IdleShare(const Series& series, int64_t from_ms, int64_t to_ms) const;

  std::map<std::string, std::vector<Change>> past_;  // by "HOST NAME"
};

}  // namespace mailhub::sim
