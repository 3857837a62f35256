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

// The text on lines of at most `columns` characters, broken at blanks; a longer word is broken
// where it must be. All lines but the first begin with `indent` blanks. For printable text.
std::vector<std::string> Wrapped(const std::string& text, size_t columns, size_t indent);

// "4h02m", "12m05s", "41s", "0.3s"; "-" for nothing.
std::string ElapsedText(std::optional<double> seconds);

// RFC 3339 in UTC to local time with its zone, "2026-11-23 17:11:35 +0100" or its time of day only;
// "-" for "".
std::string LocalTime(const std::string& utc);
std::string LocalTimeOfDay(const std::string& utc);

// Columns aligned by their widest cell, two spaces between them; cells become printable. When that
// is wider than `columns` (0: any width), the last ones go below each row as "header: cell", on
// lines that are broken between words.
std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows, size_t columns = 0);

// RFC 4180; a cell that a spreadsheet would take for a formula gets a quote before it.
std::string Csv(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

}  // namespace mailhub::ctl
