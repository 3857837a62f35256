// Converts events to JSON text and back, in the journal's spelling (docs/journal_format.md).
// nlohmann stays in the .cc.
#pragma once

#include <string>
#include <string_view>

#include "actuator/engine/event.h"
#include "lib/base/result.h"

namespace mailhub::journal {

// One event's body as stored. Equal bodies give equal text.
struct Encoded {
  std::string kind;  // engine::Name(body)
  std::string body;  // JSON object
  std::string plan;  // run_queued: the plan as JSON object, whose digest is in `body`; else empty
};

// Never fails: bytes that are not UTF-8 (in a command's output) become U+FFFD.
Encoded Encode(const engine::EventBody& body);
std::string EncodePlan(const engine::Plan& plan);

// Ignores unknown fields, so that an older program can read the events of a newer one with the same
// schema. Missing fields, wrong types and unknown names are kCorrupt; the message names the field.
// `plan` is the plan that PlanDigest() of the body names; nullptr unless the kind is run_queued.
Result<engine::EventBody> Decode(std::string_view kind, std::string_view body,
                                 const engine::Plan* plan);
Result<engine::Plan> DecodePlan(std::string_view text);

// What of a stored body has no place in `encoded`, which Encode() made of what was read of it: a
// field of an unknown name, one that is there twice, or another spelling than the writer's. Empty:
// nothing. Fields that older programs did not write may be missing.
std::string Unread(std::string_view stored, std::string_view encoded);

// The digest of the plan that a run_queued body names; kCorrupt when it has none.
Result<std::string> PlanDigest(std::string_view body);

}  // namespace mailhub::journal
