// A journal, runs and events as texts, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actuator/journal/journal.h"
#include "actuator/journal/sample_events.h"

namespace mailhub::journal::testing {

inline constexpr WallTime kNow = WallTime(Milliseconds(1'700'000'000'000));

inline std::unique_ptr<Journal> MustOpen(const std::string& path) {
  Result<std::unique_ptr<Journal>> journal = Journal::Open(path, kNow);
  EXPECT_TRUE(journal) << journal.error().message;
  return journal ? std::move(*journal) : nullptr;
}

inline std::vector<std::string> Texts(const std::vector<engine::Event>& events) {
  std::vector<std::string> texts;
  texts.reserve(events.size());
  for (const engine::Event& event : events) texts.push_back(TextOf(event));
  return texts;
}

inline std::string RunId(int number) {
  std::string digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits + std::string(24, 'a');
}

}  // namespace mailhub::journal::testing
