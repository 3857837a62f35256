// See names.h.
#include "actuator/runbook/names.h"

#include <algorithm>

namespace mailhub::runbook {
namespace {

constexpr char kInside[] = " > ";

std::vector<std::string> Split(const std::string& reference) {
  std::vector<std::string> parts;
  size_t at = 0;
  for (size_t next = 0; (next = reference.find(kInside, at)) != std::string::npos;) {
    parts.push_back(reference.substr(at, next - at));
    at = next + sizeof kInside - 1;
  }
  parts.push_back(reference.substr(at));
  return parts;
}

// The last part is the place's own name; the parts before it are in this order among its blocks.
bool Means(const std::vector<std::string>& parts, const std::vector<std::string>& trail) {
  if (parts.back() != trail.back()) return false;
  size_t next = 0;
  for (size_t i = 0; i + 1 < trail.size() && next + 1 < parts.size(); ++i) {
    if (trail[i] == parts[next]) ++next;
  }
  return next + 1 == parts.size();
}

std::string Join(const std::vector<std::string>& trail) {
  std::string joined;
  for (const std::string& name : trail) joined += (joined.empty() ? "" : kInside) + name;
  return joined;
}

}  // namespace

Result<StepNames::Place> StepNames::Find(const std::string& reference, size_t from) const {
  const std::vector<std::string> parts = Split(reference);
  std::vector<const Place*> found;
  for (size_t i = from; i < places_.size(); ++i) {
    if (Means(parts, places_[i].trail)) found.push_back(&places_[i]);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    return Fail(ErrorKind::kInvalid,
                "expected a step's name; there is no step \"" + reference + "\"");
  }
  const bool same = std::ranges::all_of(
      found, [&](const Place* place) { return place->trail == found[0]->trail; });
  return Fail(ErrorKind::kInvalid,
              "\"" + reference + "\" names " + std::to_string(found.size()) + " steps; " +
                  (same ? "give each a name of its own, with {{host}} in it for one"
                        : "write one of them as \"" + Join(found[0]->trail) + "\""));
}

}  // namespace mailhub::runbook
