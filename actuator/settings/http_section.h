// What the sections of HTTP servers that the actuator asks or tells have in common: headers and
// secrets.
#pragma once

#include <map>
#include <string>

#include "lib/config/reader.h"

namespace mailhub::settings {

struct HttpAccess {
  std::map<std::string, std::string> headers;       // of every request
  std::map<std::string, std::string> header_files;  // the same, the value being in a file
  std::string ca_file;
  std::string basic_user;
  std::string basic_password_file;
  std::string bearer_token_file;

  bool operator==(const HttpAccess&) const = default;
};

// The keys headers, header_files, ca_file, basic_auth and bearer_token_file of `node`. Its other
// keys are the caller's.
void ReadHttpAccess(config::Reader& in, const config::Node& node, HttpAccess* access);

// A URL that begins with http:// or https:// and names a host.
std::string ReadUrl(config::Reader& in, const config::Node& node);
// Whether a text is such a URL, of at most 2,048 printable characters without a blank.
bool IsUrl(const std::string& url);
// The URL in the one line of a file. Fails as config::ReadToken; kInvalid also where it holds none.
Result<std::string> ReadUrlFile(const std::string& path);

}  // namespace mailhub::settings
