// The rows of a journal. The first byte selects the kind of event, or a plan.
#include <string>
#include <variant>

#include "actuator/journal/codec.h"
#include "actuator/journal/sample_events.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

constexpr size_t kKinds = std::variant_size_v<engine::EventBody>;

const engine::Plan& SamplePlan() {
  static const engine::Plan kPlan = journal::testing::SamplePlan();
  return kPlan;
}

const std::string& Kind(size_t index) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& body : journal::testing::EveryBody()) names.emplace_back(engine::Name(body));
    return names;
  }();
  return kNames[index];
}

void TryPlan(std::string_view text) {
  const auto plan = journal::DecodePlan(text);
  if (!plan) {
    Demand(plan.error().kind == ErrorKind::kCorrupt, "a bad plan is corrupt");
    return DemandGoodMessage(plan.error());
  }
  const std::string encoded = journal::EncodePlan(*plan);
  Demand(IsUtf8(encoded), "a stored plan is UTF-8", encoded);
  const auto again = journal::DecodePlan(encoded);
  Demand(again && *again == *plan, "a plan is the same when it is stored and read", encoded);
  Demand(journal::EncodePlan(*again) == encoded, "equal plans give equal text", encoded);
}

void TryEvent(const std::string& kind, std::string_view text) {
  const auto digest = journal::PlanDigest(text);
  if (!digest) DemandGoodMessage(digest.error());
  const auto body = journal::Decode(kind, text, &SamplePlan());
  if (!body) {
    Demand(body.error().kind == ErrorKind::kCorrupt, "a bad event is corrupt");
    return DemandGoodMessage(body.error());
  }
  Demand(engine::Name(*body) == kind, "an event is of the kind that was asked for", kind);
  const journal::Encoded encoded = journal::Encode(*body);
  Demand(encoded.kind == kind && IsUtf8(encoded.body), "a stored event is UTF-8", encoded.body);
  const auto again = journal::Decode(kind, encoded.body, &SamplePlan());
  Demand(again.has_value(), "an event that was stored is read", encoded.body);
  Demand(journal::Encode(*again).body == encoded.body, "an event is the same when stored and read",
         encoded.body);
  const auto show = [](const engine::EventBody& shown) {
    return journal::testing::TextOf({.seq = 1, .at = FromUnixMs(2), .run = "r", .body = shown});
  };
  Demand(show(*again) == show(*body), "an event is shown the same when stored and read");
  if (encoded.plan.empty()) return;
  const auto named = journal::PlanDigest(encoded.body);
  Demand(named && *named == Sha256Hex(encoded.plan), "a queued run names its plan's digest");
}

}  // namespace

void TryJournal(std::string_view bytes) {
  if (bytes.empty()) return;
  const size_t pick = static_cast<unsigned char>(bytes[0]) % (kKinds + 2);
  const std::string_view text = bytes.substr(1);
  if (pick == kKinds) return TryPlan(text);
  if (pick < kKinds) return TryEvent(Kind(pick), text);
  // An unknown kind.
  const auto body = journal::Decode(text, "{}", nullptr);
  if (!body) DemandGoodMessage(body.error());
}

}  // namespace mailhub::fuzz
