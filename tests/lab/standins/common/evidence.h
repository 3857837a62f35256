// Reports of a stand-in about itself, sent to a collector outside the host.
//
// A test that asks "did it happen, once, in this order" must not ask the programs under test. Each
// report is one datagram to a socket that the machine binds into the host; the host can neither
// read nor change a report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lab {

// One report: `Event("regclient", "start").Add("full", 1).Send()`. Immutable after Send; not shared
// between threads.
class Event {
 public:
  // Stamps the event with CLOCK_REALTIME in microseconds and this process's pid.
  Event(std::string_view program, std::string_view event);

  Event& Add(std::string_view key, std::string_view value);
  Event& Add(std::string_view key, const char* value) { return Add(key, std::string_view(value)); }
  Event& Add(std::string_view key, std::int64_t value);
  Event& Add(std::string_view key, int value) { return Add(key, static_cast<std::int64_t>(value)); }
  Event& Add(std::string_view key, double value);
  Event& SetPid(int pid);

  // Waits at most two seconds for a busy collector; without a collector only the report is lost.
  void Send() const;

 private:
  Event& AddRaw(std::string_view key, std::string_view json);

  std::int64_t time_us_;
  int pid_;
  std::string fields_;
};

// CLOCK_REALTIME in microseconds.
std::int64_t RealtimeMicros();

}  // namespace lab
