// Makes runbooks from a seed: every verb, blocks and calls, dead men with and without `until`, owed
// steps, retries and all `on_failure` actions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mailhub::sim {

// With the three hosts box1 to box3, each with the services alpha, beta and gamma.
extern const char* const kMadeUpSite;

struct MadeUpRunbook {
  std::string name;
  std::string yaml;
  bool has_host = false;  // takes a parameter `box`, one of the hosts
};
// One to three that can be started, and one more that they call.
std::vector<MadeUpRunbook> MakeUpRunbooks(uint64_t seed);

}  // namespace mailhub::sim
