// The commands about the receivers of notifications.
#include "actuator/ctl/commands.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/text.h"
#include "lib/http/client.h"

namespace mailhub::ctl {
namespace {

std::string StateOf(const ReceiverRow& row) {
  if (!row.up) return "not tried";
  return *row.up ? "takes" : "does not take";
}

void ShowReceivers(const std::vector<ReceiverRow>& receivers) {
  if (receivers.empty()) return Out("no receivers are configured\n");
  std::vector<std::vector<std::string>> rows;
  for (const ReceiverRow& row : receivers) {
    std::string events;
    for (const std::string& event : row.events) events += (events.empty() ? "" : ", ") + event;
    rows.push_back({row.name, row.format, row.where, StateOf(row), std::to_string(row.pending),
                    std::to_string(row.sent), std::to_string(row.dropped),
                    LocalTime(row.last_success), events, row.trouble});
  }
  OutTable({"NAME", "FORMAT", "WHERE", "STATE", "WAITING", "SENT", "DROPPED", "LAST TAKEN",
            "EVENTS", "TROUBLE"},
           rows);
}

}  // namespace

int ReceiverList(ApiClient& api, Format format) {
  return Print(api.Get("/api/v1/receivers"), format, ParseReceivers, ShowReceivers);
}

int ReceiverTest(ApiClient& api, Format format, const std::string& name) {
  const auto data = api.Post("/api/v1/receivers/" + http::UrlEncode(name) + "/test",
                             BodyJson({{"by", api.by()}}));
  if (!data) return Complain(data.error());
  const auto reply = ParseReceiverReply(*data);
  if (!reply) return Complain(reply.error());
  if (format == Format::kJson) {
    const int shown = OutJson(*data);
    return shown != 0 || reply->taken ? shown : 1;
  }
  Out(Printable(reply->receiver) + (reply->taken ? " has taken" : " has not taken") +
      " the test message: status " + std::to_string(reply->status) +
      (reply->body.empty() ? "" : ": " + Printable(reply->body)) + " (" +
      ElapsedText(reply->seconds) + ")\n");
  return reply->taken ? 0 : 1;
}

}  // namespace mailhub::ctl
