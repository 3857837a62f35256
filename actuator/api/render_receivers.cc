// The receivers of notifications as JSON.
#include "actuator/api/json_values.h"
#include "actuator/api/render.h"

namespace mailhub::api {

std::string ReceiversData(const std::vector<ReceiverStatus>& receivers) {
  Json list = Json::array();
  for (const ReceiverStatus& receiver : receivers) {
    Json dropped = Json::object();
    for (const auto& [reason, count] : receiver.dropped) dropped[reason] = count;
    list.push_back({{"name", receiver.name},
                    {"format", receiver.format},
                    {"where", receiver.where},
                    {"events", receiver.events},
                    {"up", receiver.up ? Json(*receiver.up) : Json(nullptr)},
                    {"trouble", receiver.trouble},
                    {"pending", receiver.pending},
                    {"sent", receiver.sent},
                    {"failed", receiver.failed},
                    {"dropped", dropped},
                    {"lastSuccessAt", Time(receiver.last_success)}});
  }
  return Dump({{"receivers", list}});
}

std::string ReceiverAnswerData(const std::string& name, const ReceiverAnswer& answer) {
  return Dump({{"receiver", name},
               {"taken", answer.taken},
               {"status", answer.status},
               {"body", answer.body},
               {"seconds", ToSeconds(answer.took)}});
}

}  // namespace mailhub::api
