// See parts.h.
#include "actuator/condition/parts.h"

#include <algorithm>

namespace mailhub::condition {
namespace {

std::string Label(const Sample& sample, const std::string& name) {
  const auto label = sample.labels.find(name);
  return label == sample.labels.end() ? "" : label->second;
}

}  // namespace

Parts::Parts(const Instant& instant) {
  for (const Sample& sample : instant.samples) {
    const auto part = sample.labels.find(kPart);
    if (part != sample.labels.end()) parts_[part->second].push_back(&sample);
  }
}

const std::vector<const Sample*>& Parts::All(const std::string& part) const {
  static const std::vector<const Sample*> kNone;
  const auto found = parts_.find(part);
  return found == parts_.end() ? kNone : found->second;
}

std::vector<const Sample*> Parts::Of(const std::string& part, const std::string& host,
                                     const std::string& collector) const {
  std::vector<const Sample*> found;
  for (const Sample* sample : All(part)) {
    if (Label(*sample, "instance") != host) continue;
    if (collector.empty() || Label(*sample, "collector") == collector) found.push_back(sample);
  }
  return found;
}

std::optional<double> Parts::Least(const std::string& part, const std::string& host,
                                   const std::string& collector) const {
  std::optional<double> least;
  for (const Sample* sample : Of(part, host, collector)) {
    least = std::min(least.value_or(sample->value), sample->value);
  }
  return least;
}

std::optional<double> Parts::Greatest(const std::string& part, const std::string& host) const {
  std::optional<double> greatest;
  for (const Sample* sample : Of(part, host)) {
    greatest = std::max(greatest.value_or(sample->value), sample->value);
  }
  return greatest;
}

std::set<std::string> Parts::BootIds(const std::string& part, const std::string& host) const {
  std::set<std::string> ids;
  for (const Sample* sample : Of(part, host)) ids.insert(Label(*sample, "boot_id"));
  return ids;
}

}  // namespace mailhub::condition
