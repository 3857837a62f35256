// See log.h. The line is assembled here; spdlog stamps, filters and writes it.
#include "lib/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "lib/base/printable.h"

namespace mailhub {
namespace {

struct Logger {
  std::shared_ptr<spdlog::logger> sink = spdlog::stderr_logger_mt("mailhub");
  LogFormat format = LogFormat::kLogfmt;
  Logger() { SetPattern(); }
  void SetPattern() {
    sink->set_pattern(format == LogFormat::kJson
                          ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                          : "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                      spdlog::pattern_time_type::utc);
  }
};

Logger& TheLogger() {
  static Logger logger;
  return logger;
}

std::string Escaped(char c) {
  if (c == '"' || c == '\\') return {'\\', c};
  if (c == '\n') return "\\n";
  std::array<char, 8> escaped{};
  std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned char>(c));
  return escaped.data();
}

// A character beyond ASCII as it is; escaped, if it steers a terminal or is none.
std::string Shown(std::string_view character) {
  std::string shown = Printable(character);
  return shown.starts_with("\\x") ? '\\' + shown : shown;  // JSON has no such escape
}

// Quoted so that both logfmt and JSON can read it.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    size_t bytes = 1;
    if (c >= 0x80) {
      bytes = std::max<size_t>(FirstCharacterBytes(text), 1);
      out += Shown(text.substr(0, bytes));
    } else if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f) {
      out += Escaped(text[0]);
    } else {
      out += text[0];
    }
    text.remove_prefix(bytes);
  }
  return out + '"';
}

std::string LogfmtValue(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos &&
                     text.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:"
                         "@%+,{}()<>") == std::string_view::npos;
  return plain ? std::string(text) : Quoted(text);
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return Fail(ErrorKind::kInvalid, "log level must be debug, info, warn or error");
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  return Fail(ErrorKind::kInvalid, "log format must be logfmt or json");
}

void InitLog(LogLevel level, LogFormat format) {
  Logger& logger = TheLogger();
  logger.format = format;
  logger.SetPattern();
  logger.sink->set_level(ToSpdlog(level));
}

void Log(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  Logger& logger = TheLogger();
  if (!logger.sink->should_log(ToSpdlog(level))) return;
  const bool json = logger.format == LogFormat::kJson;
  std::string line = json ? "\"msg\":" + Quoted(message) : "msg=" + Quoted(message);
  for (const auto& [key, value] : fields) {
    if (json) {
      line += ',' + Quoted(key) + ':' + Quoted(value);
    } else {
      line += ' ' + std::string(key) + '=' + LogfmtValue(value);
    }
  }
  // The finished line is data, never a format string.
  logger.sink->log(ToSpdlog(level), "{}", line);
}

}  // namespace mailhub
