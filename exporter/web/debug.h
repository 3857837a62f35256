// The page of /probe?debug=true: what one probe did and found, in words. For people, not for programs.
#pragma once

#include <string>

#include "exporter/host/link.h"
#include "lib/base/clock.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// What is known about one probe.
struct ProbeAccount {
  WallTime asked{};          // when its request came
  Milliseconds timeout{0};   // how long it might take
  double seconds = 0;        // how long it took
  std::string metrics = {};  // the page that a scrape would have got
};

// Plain text. Texts of the host are made printable and cut at 500 bytes each. The places of our keys
// and the text of checks, which may hold a password, are left out, also where a message has them.
std::string RenderDebug(const config::Host& host, const config::Site& site,
                        const Collection& collection, const ProbeAccount& account);

}  // namespace mailhub::exporter
