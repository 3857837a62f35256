// Writes a command's answer as a table or as JSON.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/commands.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

void Out(const std::string& text);
// On a terminal, long lines break between words; elsewhere they stay whole.
void OutLines(const std::vector<std::string>& lines);
// Indented; returns the exit status.
int OutJson(const std::string& data);
// Uses the terminal's width; elsewhere one line per row.
void OutTable(const std::vector<std::string>& header,
              const std::vector<std::vector<std::string>>& rows);

// A run's id or a fingerprint, shortened for tables.
std::string ShortId(const std::string& id);

// Prints the JSON, or parses and shows it; returns the exit status. Data that cannot be parsed is
// an error in either format.
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
