// Metrics about the receivers of notifications, from their status at each request.
#pragma once

#include <vector>

#include "actuator/api/receivers.h"
#include "lib/metrics/families.h"

namespace mailhub::api {

void AddReceiverMetrics(const std::vector<ReceiverStatus>& receivers, metrics::Families* page);

}  // namespace mailhub::api
