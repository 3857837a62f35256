// Where steps are in a plan, by their names: `commit`, `since` and `until` speak of steps as people
// do.
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
    std::string first;               // paths; a block has many steps, a step is both
    std::string last;
  };

  void Add(Place place) { places_.push_back(std::move(place)); }
  size_t size() const { return places_.size(); }

  // The one place that `reference` means: a step's or block's name, or "BLOCK > STEP" where that
  // alone would be ambiguous. Only places added since `from` count. kInvalid: none, or several.
  Result<Place> Find(const std::string& reference, size_t from) const;

 private:
  std::vector<Place> places_;
};

}  // namespace mailhub::runbook
