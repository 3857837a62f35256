// Alignment, durations and times.
#include "actuator/ctl/text.h"
#include "lib/base/lower.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace mailhub::ctl {
namespace {

template <typename... Values>
std::string Format(const char* format, Values... values) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return std::string(buffer.data(), static_cast<size_t>(std::max(length, 0)));
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

// The length of the first `characters` characters in bytes.
size_t BytesOf(std::string_view text, size_t characters) {
  size_t seen = 0;
  size_t end = 0;
  while (end < text.size()) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80U;
    if (begins && seen++ == characters) break;
    ++end;
  }
  return end;
}

std::string Padded(std::string text, size_t width) {
  const size_t now = Width(text);
  if (now < width) text.append(width - now, ' ');
  return text;
}

std::string FormatLocal(const std::string& utc, const char* format) {
  if (utc.empty()) return "-";
  std::tm parts{};
  const char* rest = strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return Printable(utc);
  const std::time_t seconds = timegm(&parts);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  return std::string(text.data(), strftime(text.data(), text.size(), format, &local));
}

// The number of first columns that fit on one line; at least one.
size_t ColumnsThatFit(const std::vector<size_t>& widths, size_t columns) {
  size_t used = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    used += widths[i] + (i == 0 ? 0 : 2);
    if (used > columns) return std::max<size_t>(i, 1);
  }
  return widths.size();
}

// The cells from `first` on as "header: cell", without empty ones.
std::vector<std::string> CellsBelow(const std::vector<std::string>& header,
                                    const std::vector<std::string>& cells, size_t first,
                                    size_t columns) {
  std::string text;
  for (size_t i = first; i < header.size(); ++i) {
    if (cells[i].empty() || cells[i] == "-") continue;
    text += (text.empty() ? "" : "; ") + Lower(header[i]) + ": " + cells[i];
  }
  if (text.empty()) return {};
  return Wrapped("    " + text, columns, 4);
}

}  // namespace

std::vector<std::string> PrintableLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(Printable(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string Shortened(const std::string& text, size_t columns) {
  if (Width(text) <= columns) return text;
  const size_t keep = columns > 3 ? columns - 3 : columns;
  return text.substr(0, BytesOf(text, keep)) + (columns > 3 ? "..." : "");
}

std::vector<std::string> Wrapped(const std::string& text, size_t columns, size_t indent) {
  columns = std::max<size_t>(columns, 2);
  indent = std::min(indent, columns / 2);
  std::vector<std::string> lines(1);
  size_t width = 0;
  size_t at = 0;
  while (at < text.size()) {
    // The blanks and the next word.
    const size_t word = std::min(text.find_first_not_of(' ', at), text.size());
    const size_t end = std::min(text.find(' ', word), text.size());
    std::string part = text.substr(at, end - at);
    at = end;
    const bool begun = lines.size() > 1 ? width > indent : width > 0;
    if (begun && width + Width(part) > columns) {
      lines.emplace_back(indent, ' ');
      width = indent;
      part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
    }
    while (width + Width(part) > columns) {
      const size_t bytes = BytesOf(part, columns - width);
      lines.back() += part.substr(0, bytes);
      part.erase(0, bytes);
      lines.emplace_back(indent, ' ');
      width = indent;
    }
    lines.back() += part;
    width += Width(part);
  }
  return lines;
}

std::string ElapsedText(std::optional<double> seconds) {
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0) return "-";
  if (*seconds < 9.95) return Format("%.1fs", *seconds);
  const long long whole = std::llround(*seconds);
  if (whole < 60) return Format("%llds", whole);
  if (whole < 3600) return Format("%lldm%02llds", whole / 60, whole % 60);
  if (whole < 48LL * 3600) return Format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
  return Format("%lldd%02lldh", whole / 86400, whole / 3600 % 24);
}

std::string LocalTime(const std::string& utc) {
  return FormatLocal(utc, "%Y-%m-%d %H:%M:%S %z");
}
std::string LocalTimeOfDay(const std::string& utc) {
  return FormatLocal(utc, "%H:%M:%S %z");
}

std::string LocalMonth(const std::string& utc) {
  return FormatLocal(utc, "%Y-%m");
}

std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows, size_t columns) {
  std::vector<std::vector<std::string>> lines = {header};
  for (const auto& row : rows) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(Printable(cell));
  }
  std::vector<size_t> widths(header.size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  const size_t beside = columns == 0 ? widths.size() : ColumnsThatFit(widths, columns);
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < beside; ++i) text += Padded(line[i], widths[i]) + "  ";
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
    if (&line == &lines.front()) continue;
    for (const std::string& below : CellsBelow(header, line, beside, columns)) out += below + "\n";
  }
  return out;
}

namespace {

// Whether no spreadsheet takes the text for a formula: it begins, after blanks, as names, numbers
// and words do. Bytes 0xc3 to 0xdf begin the letters of Latin, Greek, Cyrillic and others.
bool IsPlainCell(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (text.empty()) return true;
  const auto c = static_cast<unsigned char>(text[0]);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c >= 0xc3 && c <= 0xdf) ||
         std::string_view("_/.([{<#*?&:'\\;").find(text[0]) != std::string_view::npos;
}

// A quote before each part that may become a cell: some spreadsheets separate at ';' or TAB, also
// within a quoted cell.
std::string WithoutFormula(std::string_view cell) {
  std::string out;
  while (true) {
    if (!IsPlainCell(cell)) out += '\'';
    const size_t end = cell.find_first_of(";\t\r\n");
    out += cell.substr(0, end == cell.npos ? end : end + 1);
    if (end == cell.npos) return out;
    cell.remove_prefix(end + 1);
  }
}

}  // namespace

std::string Csv(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell = WithoutFormula(cells[i]);
      if (cell.find_first_of("\",;\t\r\n") != std::string::npos) {
        for (size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2)
          cell.insert(at, "\"");
        cell.insert(0, "\"").append("\"");
      }
      text += (i == 0 ? "" : ",") + cell;
    }
    return text + "\r\n";
  };
  std::string out = line(header);
  for (const auto& row : rows) out += line(row);
  return out;
}

}  // namespace mailhub::ctl
