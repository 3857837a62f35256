// See receiver_metrics.h.
#include "actuator/api/receiver_metrics.h"

namespace mailhub::api {
namespace {

using metrics::Metric;
using metrics::Type;

constexpr Metric kUp{"mailhub_actuator_receiver_up",
                     "Whether the last attempt to tell a receiver was taken."};
constexpr Metric kPending{"mailhub_actuator_receiver_pending",
                          "Notifications that wait for a receiver."};
constexpr Metric kSent{"mailhub_actuator_receiver_sent_total",
                       "Notifications that a receiver has taken.", Type::Counter};
constexpr Metric kFailed{"mailhub_actuator_receiver_failed_total",
                         "Attempts to tell a receiver that were not taken.", Type::Counter};
constexpr Metric kDropped{"mailhub_actuator_receiver_dropped_total",
                          "Notifications that were given up, by why.", Type::Counter};
constexpr Metric kLastSuccess{"mailhub_actuator_receiver_last_success_timestamp_seconds",
                              "When a receiver last took something."};

}  // namespace

void AddReceiverMetrics(const std::vector<ReceiverStatus>& receivers, metrics::Families* page) {
  for (const ReceiverStatus& receiver : receivers) {
    const metrics::Labels labels = {{"receiver", receiver.name}};
    if (receiver.up) page->Add(kUp, labels, *receiver.up ? 1 : 0);
    page->Add(kPending, labels, static_cast<double>(receiver.pending));
    page->Add(kSent, labels, static_cast<double>(receiver.sent));
    page->Add(kFailed, labels, static_cast<double>(receiver.failed));
    for (const auto& [reason, count] : receiver.dropped) {
      page->Add(kDropped, {{"reason", reason}, {"receiver", receiver.name}},
                static_cast<double>(count));
    }
    if (receiver.last_success) {
      page->Add(kLastSuccess, labels, ToUnixSeconds(*receiver.last_success));
    }
  }
}

}  // namespace mailhub::api
