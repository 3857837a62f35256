// Finds steps of a plan by name: `commit`, `since` and `until` use names.
#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::runbook {

// Confined to one expansion.
class StepNames {
 public:
  struct Place {
    std::vector<std::string> trail;  // names from the outermost block to the step itself
    std::string first;  // paths; for a block its first and last step, for a step the same
    std::string last;
  };

  void Add(Place place) { places_.push_back(std::move(place)); }
  size_t size() const { return places_.size(); }

  // The one place that `reference` names: a step or block, or "BLOCK > STEP" if the name alone is
  // ambiguous. Only places added since `from` count. kInvalid: none, or several.
  Result<Place> Find(const std::string& reference, size_t from) const;

 private:
  std::vector<Place> places_;
};

}  // namespace mailhub::runbook
