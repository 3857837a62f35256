// What the API and the metrics show of the receivers of notifications, and a test of one.
// actuator/notify implements it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::api {

struct ReceiverStatus {
  std::string name;
  std::string format;
  std::string where;  // scheme, host and port; never the path, which may be a secret
  std::vector<std::string> events;
  uint64_t pending = 0;
  uint64_t sent = 0;                                      // since the start, as the next two
  uint64_t failed = 0;                                    // attempts
  std::vector<std::pair<std::string, uint64_t>> dropped;  // by reason; all reasons
  std::optional<WallTime> last_success;                   // nothing: never
  std::optional<bool> up;  // whether the last attempt was taken; nothing: none since the start
  std::string trouble;     // why it was not
};

struct ReceiverAnswer {
  bool taken = false;  // a status of 2xx
  int status = 0;
  std::string body;  // its beginning, printable
  Milliseconds took{0};
};

// Thread-safe.
class Receivers {
 public:
  virtual ~Receivers() = default;
  virtual std::vector<ReceiverStatus> List() const = 0;  // by name
  // Sends a test message now and waits for the answer, 5 s at most. kNotFound: no such receiver.
  // kOverloaded: another test of it is under way. Else as http::Client::Post; the message never has
  // the URL's path.
  virtual Result<ReceiverAnswer> Test(const std::string& name) = 0;
};

}  // namespace mailhub::api
