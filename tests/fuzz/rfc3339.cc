// A time stamp, against the C library's calendar.
#include "actuator/webhook/rfc3339.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kFirstMs = -62'135'596'800'000;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastMs = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z

int Number(const std::string& text, size_t at, size_t digits) {
  return std::atoi(text.substr(at, digits).c_str());
}

// The meaning of an accepted text; its parts are where RFC 3339 puts them.
int64_t Meant(const std::string& text) {
  std::tm parts{};
  parts.tm_year = Number(text, 0, 4) - 1900;
  parts.tm_mon = Number(text, 5, 2) - 1;
  parts.tm_mday = Number(text, 8, 2);
  parts.tm_hour = Number(text, 11, 2);
  parts.tm_min = Number(text, 14, 2);
  parts.tm_sec = Number(text, 17, 2);
  int64_t ms = int64_t{timegm(&parts)} * 1000;
  size_t zone = 19;
  if (text[zone] == '.') {
    const size_t end = text.find_first_not_of("0123456789", zone + 1);
    ms += Number(text.substr(zone + 1, end - zone - 1) + "000", 0, 3);
    zone = end;
  }
  if (text[zone] == 'Z') return ms;
  const int64_t offset = Number(text, zone + 1, 2) * 60 + Number(text, zone + 4, 2);
  return ms - (text[zone] == '-' ? -offset : offset) * 60'000;
}

// The moment on a clock with that offset.
std::string Written(int64_t ms, int offset_minutes, int digits) {
  const int64_t shown = ms + int64_t{offset_minutes} * 60'000;
  const std::time_t seconds =
      static_cast<std::time_t>((shown - ((shown % 1000) + 1000) % 1000) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03d",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>(((shown % 1000) + 1000) % 1000));
  std::string written(text.data());
  written.append(static_cast<size_t>(digits), '7');  // finer than a millisecond
  if (offset_minutes == 0) return written + "Z";
  const int size = std::abs(offset_minutes);
  std::snprintf(text.data(), text.size(), "%c%02d:%02d", offset_minutes < 0 ? '-' : '+', size / 60,
                size % 60);
  return written + text.data();
}

// Every moment that can be written is read correctly.
void TryMoment(uint64_t random) {
  const uint64_t days = (kLastMs - kFirstMs) / kDayMs - 2;
  const auto ms = static_cast<int64_t>(random % (days * kDayMs)) + kFirstMs + kDayMs;
  const int offset = static_cast<int>((random >> 20) % 2879) - 1439;
  const std::string text = Written(ms, offset, static_cast<int>(random % 7));
  const auto time = webhook::ParseRfc3339(text);
  Demand(time.has_value(), "a time that was written is read", text);
  Demand(ToUnixMs(*time) == ms, "a time that was written is read as what it is", text);
}

}  // namespace

void TryRfc3339(std::string_view bytes) {
  uint64_t random = 14'695'981'039'346'656'037U;
  for (const char c : bytes) random = (random ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  TryMoment(random);

  const auto time = webhook::ParseRfc3339(bytes);
  if (!time) return DemandGoodMessage(time.error());
  const std::string text(bytes);
  Demand(ToUnixMs(*time) == Meant(text), "a time is what the C library's calendar says", text);
  const int64_t ms = ToUnixMs(*time);
  if (ms < kFirstMs || ms > kLastMs) return;  // the offset leads into year 0 or 10000
  const auto again = webhook::ParseRfc3339(Written(ms, 0, 0));
  Demand(again && *again == *time, "a time is the same when it is written in UTC", text);
}

}  // namespace mailhub::fuzz
