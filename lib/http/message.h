// Decodes targets, composes heads and compresses bodies; internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/http/server.h"

namespace mailhub::http {

// Nothing for a malformed escape or an escaped control character.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// Sets path and query from the raw target. False for a path that does not begin with "/", has "."
// or ".." segments, or is badly encoded.
bool ParseTarget(std::string_view raw_path, std::string_view raw_query, Request* request);

// Whether a comma-separated header value has this token in any case; ignores parameters after ";".
bool HasToken(std::string_view value, std::string_view token);

// Whether an Accept-Encoding allows gzip ("gzip;q=0" does not).
bool AcceptsGzip(std::string_view accept_encoding);

std::string Gzip(std::string_view body);

// Replaces the header of that name; drops a value with control characters instead.
void SetHeader(Headers* headers, std::string_view name, std::string_view value);

// Whether the status has neither body nor Content-Length.
bool HasNoBody(int status);

// Status line and headers with the empty line that ends them.
std::string ComposeHead(int status, const Headers& headers);

}  // namespace mailhub::http
