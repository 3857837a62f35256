// The values that a node may hold.
#pragma once

#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/config/yaml.h"

namespace mailhub::config {

// All fail with kInvalid, naming place, field and what was expected.
Result<std::string> ReadString(const Node& node);  // a scalar, never empty
Result<int> ReadInt(const Node& node, int least, int greatest);
Result<double> ReadNumber(const Node& node);                     // finite
Result<bool> ReadBool(const Node& node);                         // true or false
Result<Milliseconds> ReadDuration(const Node& node);             // "90s", "15m"
Result<std::vector<std::string>> ReadStrings(const Node& node);  // a list of scalars

}  // namespace mailhub::config
