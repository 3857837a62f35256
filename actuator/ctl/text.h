// Formats text for a terminal. Data from the network cannot control the terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/printable.h"

namespace mailhub::ctl {

// Printable lines of the text, without an empty last one.
std::vector<std::string> PrintableLines(std::string_view text);

// At most `columns` characters; longer text ends in "...". For printable text.
std::string Shortened(const std::string& text, size_t columns);

// Wraps the text at blanks into lines of at most `columns` characters; a longer word is split. All
// lines but the first begin with `indent` blanks. For printable text.
std::vector<std::string> Wrapped(const std::string& text, size_t columns, size_t indent);

// "4h02m", "12m05s", "41s", "0.3s"; "-" for nothing.
std::string ElapsedText(std::optional<double> seconds);

// RFC 3339 in UTC to local time with its zone, "2026-11-23 17:11:35 +0100" or its time of day only;
// "-" for "".
std::string LocalTime(const std::string& utc);
std::string LocalTimeOfDay(const std::string& utc);
std::string LocalMonth(const std::string& utc);  // "2026-11"

// Columns aligned by their widest cell, two spaces between them; cells become printable. When the
// table is wider than `columns` (0: any width), the last cells go below each row as "header: cell",
// wrapped between words.
std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows, size_t columns = 0);

// RFC 4180. A cell that a spreadsheet would read as a formula gets a quote before it.
std::string Csv(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

}  // namespace mailhub::ctl
