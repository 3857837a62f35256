// See rows.h.
#include "actuator/journal/rows.h"

#include <utility>

#include "actuator/journal/codec.h"

namespace mailhub::journal {
namespace {
constexpr size_t kMostCachedPlans = 200;
}

Result<engine::Event> EventReader::Read(const Statement& row) {
  engine::Event event;
  event.seq = static_cast<uint64_t>(row.Int(0));
  event.at = FromUnixMs(row.Int(1));
  event.run = row.Text(2);
  const std::string_view kind = row.Text(3);
  const std::string_view body = row.Text(4);
  const std::string where = "event " + std::to_string(event.seq);

  const engine::Plan* plan = nullptr;
  if (kind == "run_queued") {
    const Result<std::string> digest = PlanDigest(body);
    if (!digest) return Fail(where, digest.error());
    const Result<const engine::Plan*> found = FindPlan(*digest);
    if (!found) return Fail(where, found.error());
    plan = *found;
  }
  Result<engine::EventBody> decoded = Decode(kind, body, plan);
  if (!decoded) return Fail(where, decoded.error());
  event.body = std::move(*decoded);
  return event;
}

Result<const engine::Plan*> EventReader::FindPlan(const std::string& digest) {
  const auto known = plans_.find(digest);
  if (known != plans_.end()) return &known->second;
  Result<Statement> select = database_->Prepare("SELECT body FROM plans WHERE digest = ?");
  if (!select) return Fail(select.error());
  const Result<bool> row = select->Bind(digest).Step();
  if (!row) return Fail(row.error());
  if (!*row) return Fail(ErrorKind::kCorrupt, "plan " + digest + " is missing");
  Result<engine::Plan> plan = DecodePlan(select->Text(0));
  if (!plan) return Fail(plan.error());
  if (plans_.size() >= kMostCachedPlans) plans_.clear();
  return &plans_.emplace(digest, std::move(*plan)).first->second;
}

}  // namespace mailhub::journal
