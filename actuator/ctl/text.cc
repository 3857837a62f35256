// Alignment, durations and times.
#include "actuator/ctl/text.h"

#include <algorithm>
#include <array>
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
  size_t seen = 0;
  size_t end = 0;
  while (end < text.size()) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80U;
    if (begins && seen++ == keep) break;
    ++end;
  }
  return text.substr(0, end) + (columns > 3 ? "..." : "");
}

std::string ElapsedText(std::optional<double> seconds) {
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0) return "-";
  if (*seconds < 9.95) return Format("%.1fs", *seconds);
  const long long whole = std::llround(*seconds);
  if (whole < 60) return Format("%llds", whole);
  if (whole < 3600) return Format("%lldm%02llds", whole / 60, whole % 60);
  if (whole < 48 * 3600) return Format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
  return Format("%lldd%02lldh", whole / 86400, whole / 3600 % 24);
}

std::string LocalTime(const std::string& utc) {
  return FormatLocal(utc, "%Y-%m-%d %H:%M:%S");
}
std::string LocalTimeOfDay(const std::string& utc) {
  return FormatLocal(utc, "%H:%M:%S");
}

std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> lines = {header};
  for (const auto& row : rows) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(Printable(cell));
  }
  std::vector<size_t> widths(header.size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < widths.size(); ++i) text += Padded(line[i], widths[i]) + "  ";
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

std::string Csv(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell = cells[i];
      if (!cell.empty() && std::string_view("=+-@\t\r").find(cell[0]) != std::string_view::npos)
        cell.insert(0, "'");
      if (cell.find_first_of("\",\r\n") != std::string::npos) {
        for (size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2)
          cell.insert(at, "\"");
        cell = "\"" + cell + "\"";
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
