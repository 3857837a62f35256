// See token_file.h. Tokens are compared by their digests, which have one length.
#include "actuator/webhook/token_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "lib/base/digest.h"
#include "lib/base/trim.h"
#include "lib/config/yaml.h"

namespace mailhub::webhook {
namespace {

constexpr size_t kShortestToken = 16;
constexpr size_t kMostTokens = 8;
constexpr size_t kLongestFile = 4'096;

}  // namespace

Result<TokenFile::Stamp> TokenFile::Look(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return Fail(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kRefused,
                path + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return Fail(ErrorKind::kRefused,
                path + ": everybody on this machine can read or write it; chmod o= it");
  }
  // The change time, which cannot be set back: it shows a new content of the same size in the same
  // second.
  return Stamp{.device = status.st_dev,
               .inode = status.st_ino,
               .size = status.st_size,
               .changed_ns = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
}

Result<std::vector<std::string>> TokenFile::Tokens(const std::string& path) {
  const Result<std::string> text = config::ReadFile(path, kLongestFile);
  if (!text) return Fail(text.error());
  std::vector<std::string> tokens;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const std::string token(Trim(line));
    if (token.empty()) continue;
    if (token.size() < kShortestToken || token.find_first_of(" \t") != std::string::npos) {
      return Fail(ErrorKind::kInvalid, path + ": a token is one word of at least " +
                                           std::to_string(kShortestToken) + " characters a line");
    }
    tokens.push_back(token);
  }
  if (tokens.empty()) return Fail(ErrorKind::kInvalid, path + ": holds no token");
  if (tokens.size() > kMostTokens) {
    return Fail(ErrorKind::kInvalid,
                path + ": holds more than " + std::to_string(kMostTokens) + " tokens");
  }
  return tokens;
}

Result<std::vector<std::string>> TokenFile::Digests(const std::string& path) {
  auto tokens = Tokens(path);
  if (!tokens) return Fail(tokens.error());
  for (std::string& token : *tokens) token = Sha256Hex(token);
  return tokens;
}

Status TokenFile::Check(const std::string& path) {
  if (const Result<Stamp> stamp = Look(path); !stamp) return Fail(stamp.error());
  if (const auto tokens = Tokens(path); !tokens) return Fail(tokens.error());
  return {};
}

Status TokenFile::Verify(std::string_view token) const {
  const Result<Stamp> stamp = Look(path_);
  if (!stamp) return Fail(ErrorKind::kUnreachable, stamp.error().message);
  Known known = known_.Copy();
  if (known.stamp != *stamp) {
    // A change after Look() gives another stamp at the next check.
    Result<std::vector<std::string>> digests = Digests(path_);
    if (!digests) return Fail(ErrorKind::kUnreachable, digests.error().message);
    known = Known{.stamp = *stamp, .digests = std::move(*digests)};
    known_.With([&known](Known& shared) { shared = known; });
  }
  const std::string digest = Sha256Hex(token);
  bool matches = false;
  for (const std::string& expected : known.digests) {
    if (EqualInConstantTime(expected, digest)) matches = true;
  }
  if (matches) return {};
  return Fail(ErrorKind::kRefused,
              token.empty() ? "a bearer token is needed" : "the bearer token is not ours");
}

}  // namespace mailhub::webhook
