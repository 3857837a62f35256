// Events as JSON text and back: the one place that knows how the journal spells them. Written down
// for people in docs/journal_format.md; nlohmann stays in the .cc.
#pragma once

#include <string>
#include <string_view>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// One event's body as it is stored. Equal bodies give equal text.
struct Encoded {
  std::string kind;  // engine::Name(body)
  std::string body;  // JSON object
  std::string
      plan;  // run_queued: the plan as JSON object, whose digest stands in `body`; else empty
};

// Never fails: bytes that are no UTF-8 (a command's output may hold any) become U+FFFD.
Encoded Encode(const engine::EventBody& body);
std::string EncodePlan(const engine::Plan& plan);

// Unknown fields are ignored, so that an older program reads what a newer one of the same schema
// wrote; missing ones, wrong types and unknown names are kCorrupt, naming the field. `plan` is what
// PlanDigest() of the body asks for; nullptr unless the kind is run_queued.
Result<engine::EventBody> Decode(std::string_view kind, std::string_view body,
                                 const engine::Plan* plan);
Result<engine::Plan> DecodePlan(std::string_view text);

// The digest of the plan that a run_queued body names; kCorrupt when there is none.
Result<std::string> PlanDigest(std::string_view body);

}  // namespace mailhub::journal
