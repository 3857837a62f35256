// Where others reach a program: its external URL and the path before its pages, with the rules of
// Prometheus.
#pragma once

#include <optional>
#include <string>

#include "lib/base/result.h"

namespace mailhub::http {

struct PublicUrl {
  std::string
      base;  // "https://mail.example.org/mailhub", without a slash at its end; "": not known
  std::string prefix;  // "/mailhub", before the path of every page; "": none
};

// `external_url`: "" or http://..., https://..., or a path alone. Without a route prefix its path is
// the prefix. kInvalid names the flag and what was expected.
Result<PublicUrl> ReadPublicUrl(std::string external_url,
                                const std::optional<std::string>& route_prefix);

}  // namespace mailhub::http
