// Lists that come in pages: one answer holds about 1 MiB at most, and says where the rest begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actuator/ctl/api_client.h"

namespace mailhub::ctl {

struct PagedList {
  const char* key;     // the list within the data
  const char* cursor;  // the query parameter that takes a page's `next`
  int limit = 0;       // at most so many items; 0: all
};

// The pages as one answer's data: all their items, and the last one's `next`. Stops early at 64 MiB, or
// 10,000 pages.
// kInvalid, beside the errors of Get, when a page does not lead on.
Result<std::string> GetPages(ApiClient& api, const std::string& path, const QueryPairs& query,
                             const PagedList& list);

// "older ones: --before N" where the data says that there are more; else "". `what`: "older ones".
std::string MoreText(const std::string& data, const PagedList& list, const char* what);

}  // namespace mailhub::ctl
