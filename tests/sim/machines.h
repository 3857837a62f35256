// What the runbooks' commands do to the site's machines, and what its metrics would show: values by
// host and series, with their whole past. The shipped runbooks' commands are known one by one; the
// made-up ones' are few and do what they say: `@service NAME.service STATE systemd`, `sim
// start|stop NAME`, `sim mark NAME` and `sim job SECONDS NAME`.
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
// A condition of the shipped runbooks, understood just far enough to be evaluated here.
struct Condition {
  std::vector<Series> left;
  std::string comparison;
  double factor = 1;  // of the right side; the number itself if there is no series
  std::optional<Series> right;
  int64_t rate_window_ms = 0;  // not 0: the left side is a share of idle time
};
const Condition& ParseCondition(const std::string& expr);

// The service that a command stops or brings back, if it is one that a run must bring back.
struct ServiceTouch {
  std::string name;  // as its series: "service_state regclient"
  bool up = false;
};
std::optional<ServiceTouch> TouchOf(const std::string& command);

class Machines {
 public:
  Machines();

  double Value(const Series& series, int64_t at_ms) const;
  // How many of the left side's series satisfy the condition.
  int Holding(const Condition& condition, int64_t at_ms) const;

  // Carries out a command of the shipped runbooks. `later` runs what follows a while after it.
  using Later = std::function<void(int64_t after_ms, std::function<void()>)>;
  void Effect(const std::string& host, const std::string& command, int64_t now_ms,
              const Later& later);
  // Whether made-up alerts' `only_if` holds from now on. It does at first.
  void Need(bool needed, int64_t now_ms) { Set("box1", "check_value need", needed, now_ms); }
  // Everything the machine starts by itself runs again.
  void Boot(const std::string& host, int64_t now_ms);
  // How long a command takes when nothing is wrong.
  static int64_t DurationMs(const std::string& command);

  // Called with host, service and whether it is up now, for what a run must bring back.
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
