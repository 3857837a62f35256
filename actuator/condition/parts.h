// Splits the answer to a gate's one query into its parts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actuator/condition/queries.h"

namespace mailhub::condition {

// The label that tells the parts from each other.
inline constexpr char kPart[] = "mailhub_gate_part";

// The part that counts the series of a selector, by its place in the expression.
inline std::string SeriesPart(size_t selector) {
  return "series" + std::to_string(selector);
}

// Immutable. Points into the instant, which must outlive it.
class Parts {
 public:
  explicit Parts(const Instant& instant);

  const std::vector<const Sample*>& All(const std::string& part) const;
  // The part's samples of one host, and of one collector unless `collector` is empty.
  std::vector<const Sample*> Of(const std::string& part, const std::string& host,
                                const std::string& collector = "") const;
  std::optional<double> Least(const std::string& part, const std::string& host,
                              const std::string& collector = "") const;
  std::optional<double> Greatest(const std::string& part, const std::string& host) const;
  std::set<std::string> BootIds(const std::string& part, const std::string& host) const;

 private:
  std::map<std::string, std::vector<const Sample*>> parts_;
};

}  // namespace mailhub::condition
