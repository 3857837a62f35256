// Text for a terminal: nothing that came over the network may steer it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/printable.h"

namespace mailhub::ctl {

// Printable lines of a many-line text, without an empty last one.
std::vector<std::string> PrintableLines(std::string_view text);

// At most `columns` characters; what is longer ends in "...". For printable text.
std::string Shortened(const std::string& text, size_t columns);

// "4h02m", "12m05s", "41s", "0.3s"; "-" for nothing.
std::string ElapsedText(std::optional<double> seconds);

// RFC 3339 in UTC to local time, "2026-11-23 16:11:35" or its time of day only; "-" for "".
std::string LocalTime(const std::string& utc);
std::string LocalTimeOfDay(const std::string& utc);

// Columns aligned by their widest cell, two spaces between them; cells become printable.
std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows);

// RFC 4180; a cell that a spreadsheet would take for a formula gets a quote before it.
std::string Csv(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

}  // namespace mailhub::ctl
