// The `receivers:` section of the actuator file.
#pragma once

#include <vector>

#include "actuator/settings/settings.h"
#include "lib/config/reader.h"

namespace mailhub::settings {

void ReadReceivers(config::Reader& in, const config::Node& node,
                   std::vector<ReceiverSettings>* receivers);

}  // namespace mailhub::settings
