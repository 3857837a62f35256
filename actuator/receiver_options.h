// Makes the receivers' options from the actuator file's `receivers:` section.
#pragma once

#include <vector>

#include "actuator/notify/receiver.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"

namespace mailhub {

// Reads the secret files that the client does not read itself: URLs, passwords, headers. Fails as
// config::ReadFile, and with kInvalid for a secret of several lines or a file that holds no URL.
// `external_url`: the actuator's own, for links in notifications; "" if it is not known.
Result<std::vector<notify::ReceiverOptions>> ReceiversOf(
    const std::vector<settings::ReceiverSettings>& settings, const std::string& external_url);

}  // namespace mailhub
