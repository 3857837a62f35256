// The bodies of requests to receivers, as docs/notifications.md describes them. nlohmann/json stays
// in the .cc.
#pragma once

#include <string>
#include <vector>

#include "actuator/notify/notice.h"
#include "lib/base/clock.h"

namespace mailhub::notify {

// All pure, and the same bytes for the same arguments.
std::string PlainBody(const Notice& notice, uint64_t left_out);
std::string SlackBody(const Notice& notice, uint64_t left_out);

// A notice as an alert of Alertmanager.
struct Alert {
  Notice notice;
  WallTime ends;  // ahead: it lasts until then unless it is sent again
  uint64_t left_out = 0;
};
std::string AlertmanagerBody(const std::vector<Alert>& alerts);

// One notice alone, in that format. `ends`: of an alert.
std::string BodyOf(Format format, const Notice& notice, uint64_t left_out, WallTime ends);

}  // namespace mailhub::notify
