// `waiting`: every hold, question and pause of all runs.
#include "actuator/ctl/commands.h"
#include "actuator/ctl/hold_text.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

void Show(const Waiting& one) {
  OutLines({ShortId(Printable(one.run)) + " " + Printable(one.runbook) +
            (one.target.empty() ? "" : " " + Printable(one.target)) + ": " + one.kind +
            (one.step.empty() ? "" : " at step " + Printable(one.step)) +
            (one.since.empty() ? "" : ", since " + LocalTime(one.since)) +
            (one.until.empty() ? "" : ", until " + LocalTime(one.until))});
  OutLines({"  " + Printable(one.text)});
  if (!one.whom.empty()) OutLines({"  who may answer: " + Printable(one.whom)});
  for (const std::string& command : one.commands) OutLines({"  " + command});
}

}  // namespace

int ShowWaiting(ApiClient& api, Format format) {
  const auto data =
      GetPages(api, "/api/v1/runs", {}, {.key = "runs", .cursor = "after", .limit = 10'000});
  if (!data) return Complain(data.error());
  const auto runs = ParseRuns(*data);
  if (!runs) return Complain(runs.error());
  std::vector<Waiting> all;
  for (const Run& run : *runs) {
    for (Waiting& one : WaitingOf(run)) all.push_back(std::move(one));
  }
  if (format == Format::kJson) {
    std::vector<WaitingJson> list;
    for (const Waiting& one : all) {
      list.push_back({{{"run", one.run},
                       {"runbook", one.runbook},
                       {"target", one.target},
                       {"kind", one.kind},
                       {"step", one.step},
                       {"text", one.text},
                       {"since", one.since},
                       {"until", one.until},
                       {"whom", one.whom}},
                      one.commands});
    }
    return OutJson(ListOf(list));
  }
  for (const Waiting& one : all) Show(one);
  if (all.empty()) Out("Nothing waits for a person.\n");
  return 0;
}

}  // namespace mailhub::ctl
