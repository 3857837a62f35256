// Runbooks made up from a seed, as their files would say them: every verb, blocks and calls, dead
// men with and without `until`, what is owed always, retries and all that may happen on failure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mailhub::sim {

// Of the three hosts box1 to box3, each with the services alpha, beta and gamma.
extern const char* const kMadeUpSite;

struct MadeUpRunbook {
  std::string name;
  std::string yaml;
  bool has_host = false;  // takes a parameter `box`, one of the hosts
};
// One to three that can be started, and one more that they call.
std::vector<MadeUpRunbook> MakeUpRunbooks(uint64_t seed);

}  // namespace mailhub::sim
