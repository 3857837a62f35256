// How each command writes its answer: as a table for a person, or as JSON.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/commands.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

void Out(const std::string& text);
// Broken between words where the terminal is narrower; elsewhere as they are.
void OutLines(const std::vector<std::string>& lines);
// Pretty; returns the exit status.
int OutJson(const std::string& data);
// On as many columns as the terminal has; elsewhere one line each row.
void OutTable(const std::vector<std::string>& header,
              const std::vector<std::vector<std::string>>& rows);

// What tables show of a run's id or a fingerprint.
std::string ShortId(const std::string& id);

// Prints JSON, or shows what it says; returns the exit status. What is not understood is an error
// in either format.
template <typename Parse, typename Show>
int Print(const Result<std::string>& data, Format format, Parse parse, Show show) {
  if (!data) return Complain(data.error());
  const auto parsed = parse(*data);
  if (!parsed) return Complain(parsed.error());
  if (format == Format::kJson) return OutJson(*data);
  show(*parsed);
  return 0;
}

}  // namespace mailhub::ctl
