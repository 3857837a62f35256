// known_hosts. The first byte selects the host.
#include "lib/ssh/known_hosts.h"

#include <algorithm>
#include <string>

#include "lib/base/base64.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using ssh::HostKeyVerdict;
using ssh::KnownHosts;

struct Asked {
  const char* address;
  int port;
};
constexpr Asked kAsked[] = {
    {"10.0.0.1", 22}, {"10.0.0.1", 2222}, {"hub1.example.org", 22}, {"fe80::1", 2222}};

// An ed25519 key in wire format.
std::string Key(char byte) {
  return std::string("\0\0\0\x0bssh-ed25519\0\0\0\x20", 19) + std::string(32, byte);
}

}  // namespace

void TryKnownHosts(std::string_view bytes) {
  if (bytes.empty()) return;
  const Asked& asked = kAsked[bytes[0] & 3];
  const std::string text(bytes.substr(1));
  static const std::string kKey = Key('k');
  static const std::string kSaid = EncodeBase64(kKey);
  const auto judge = [&](const std::string& file, size_t* line) {
    return KnownHosts(file).Judge(asked.address, asked.port, kKey, line);
  };
  size_t line = 0;
  const HostKeyVerdict verdict = judge(text, &line);
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  Demand(line <= lines, "what decided is a line of the file");
  Demand((line == 0) == (verdict == HostKeyVerdict::kUnknown), "who is known is so by a line");
  if (verdict == HostKeyVerdict::kGood || verdict == HostKeyVerdict::kRevoked) {
    std::string joined = text;  // ssh, too, ignores such blanks inside a key
    std::erase_if(joined, [](char c) { return c == '\f' || c == '\v' || c == '\r'; });
    Demand(joined.find(kSaid) != std::string::npos, "a key that is meant is in the file", text);
  }
  Demand(judge("# nothing\n\n" + text, nullptr) == verdict, "a comment changes nothing", text);
  Demand(
      judge(text + "\n@revoked * ssh-ed25519 " + kSaid + "\n", nullptr) == HostKeyVerdict::kRevoked,
      "what is revoked for all is revoked", text);
  const HostKeyVerdict more =
      judge(text + "\nanother.example ssh-ed25519 " + kSaid + "\n", nullptr);
  Demand(more == verdict, "a line about another host changes nothing", text);
  for (const std::string& type : KnownHosts(text).TypesOf(asked.address, asked.port)) {
    Demand(text.find(type) != std::string::npos, "a key's type is in the file", type);
  }
}

}  // namespace mailhub::fuzz
