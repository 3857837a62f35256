// One line: [marker] names type key [comment], separated by blanks and tabs. Every detail here is
// OpenSSH's, also the odd ones: known_hosts_test.cc compares with ssh itself on random files.
#include "lib/ssh/known_hosts.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>

#include "lib/base/base64.h"
#include "lib/base/digest.h"
#include "lib/base/lower.h"
#include "lib/ssh/read_whole.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kMaxPattern = 1022;  // a longer one makes the whole list match nothing
constexpr size_t kMaxMarker = 31;
constexpr size_t kSaltBytes = 20;
constexpr size_t kLeastRsaBytes = 128;
constexpr int kDefaultPort = 22;
constexpr size_t kMaxFile = size_t{64} << 20;

enum class Marker { kNone, kRevoked, kAuthority };

// A line's content about the host in question.
struct Entry {
  size_t line = 0;
  Marker marker = Marker::kNone;
  std::string type;
  std::string key;
};

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

void SkipBlanks(std::string_view* rest) {
  while (!rest->empty() && IsBlank(rest->front())) rest->remove_prefix(1);
}

// Removes the first word of *rest and returns it; the separator stays.
std::string_view TakeWord(std::string_view* rest) {
  const std::string_view word = rest->substr(0, rest->find_first_of(" \t"));
  rest->remove_prefix(word.size());
  return word;
}

// Nothing for an unknown marker: such a line is ignored.
std::optional<Marker> TakeMarker(std::string_view* rest) {
  if (!rest->starts_with('@')) return Marker::kNone;
  // A blank anywhere ends the marker before a tab does.
  size_t end = rest->find(' ');
  if (end == std::string_view::npos) end = rest->find('\t');
  if (end == std::string_view::npos || end > kMaxMarker) return std::nullopt;
  const std::string_view word = rest->substr(0, end);
  rest->remove_prefix(end);
  SkipBlanks(rest);
  if (rest->starts_with('@')) return std::nullopt;
  if (word == "@revoked") return Marker::kRevoked;
  if (word == "@cert-authority") return Marker::kAuthority;
  return std::nullopt;
}

// Shell-like: * and ?.
bool MatchesPattern(std::string_view text, std::string_view pattern) {
  size_t at = 0;
  size_t star = std::string_view::npos;  // the last * and the text it has matched so far
  size_t taken = 0;
  size_t i = 0;
  while (i < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

// One negated match outweighs all others.
bool MatchesList(const std::string& name, std::string_view patterns) {
  bool matched = false;
  while (!patterns.empty()) {
    const bool negated = patterns.front() == '!';
    if (negated) patterns.remove_prefix(1);
    const std::string_view pattern = patterns.substr(0, patterns.find(','));
    if (pattern.size() > kMaxPattern) return false;
    patterns.remove_prefix(std::min(patterns.size(), pattern.size() + 1));
    if (!MatchesPattern(name, Lower(pattern))) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

// "|1|SALT|HASH"
bool MatchesHash(const std::string& name, std::string_view hashed) {
  constexpr std::string_view kMagic = "|1|";
  if (!hashed.starts_with(kMagic)) return false;
  const std::string_view rest = hashed.substr(kMagic.size());
  const size_t bar = rest.find('|');
  if (bar == std::string_view::npos) return false;
  const auto salt = DecodeBase64(rest.substr(0, bar));
  if (!salt || salt->size() != kSaltBytes) return false;
  return EncodeBase64(HmacSha1(*salt, name)) == rest.substr(bar + 1);
}

bool Names(const std::string& name, std::string_view names) {
  return names.starts_with('|') ? MatchesHash(name, names) : MatchesList(name, names);
}

// The plain key types that OpenSSH knows, the name inside a key of the type, and its number of
// fields. A line of any other type is ignored.
struct Type {
  std::string_view name;
  std::string_view in_key;
  size_t fields;  // after the name
};
constexpr std::array<Type, 10> kTypes = {{
    {"ssh-ed25519", "ssh-ed25519", 1},
    {"ssh-rsa", "ssh-rsa", 2},
    {"rsa-sha2-256", "ssh-rsa", 2},
    {"rsa-sha2-512", "ssh-rsa", 2},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", 2},
    {"ssh-dss", "ssh-dss", 4},
    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3},
}};

std::optional<std::string_view> TakeField(std::string_view* rest) {
  if (rest->size() < 4) return std::nullopt;
  uint32_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>((*rest)[i]);
  if (size > rest->size() - 4) return std::nullopt;
  const std::string_view field = rest->substr(4, size);
  rest->remove_prefix(4 + size);
  return field;
}

// Whether the bytes have the form of a key of the type. Bytes of the right form that are no real
// key still count as a different key of the host, which is the careful choice.
bool IsKey(const Type& type, std::string_view key) {
  if (TakeField(&key) != type.in_key) return false;
  std::string_view last;
  for (size_t i = 0; i < type.fields; ++i) {
    const auto field = TakeField(&key);
    if (!field) return false;
    last = *field;
  }
  if (!key.empty()) return false;
  if (type.in_key == "ssh-ed25519") return last.size() == 32;
  if (type.in_key == "ssh-rsa") {
    while (last.starts_with('\0')) last.remove_prefix(1);
    return last.size() >= kLeastRsaBytes;
  }
  return true;
}

// Type and key, after the line's names. Nothing when OpenSSH would not read them.
bool ReadKey(std::string_view rest, Entry* entry) {
  SkipBlanks(&rest);
  if (rest.starts_with('#')) return false;
  entry->type = TakeWord(&rest);
  const auto* const type = std::find_if(kTypes.begin(), kTypes.end(),
                                        [&](const Type& t) { return t.name == entry->type; });
  if (type == kTypes.end()) return false;
  SkipBlanks(&rest);
  std::string encoded(TakeWord(&rest));
  // Also the carriage return of a file from Windows.
  std::erase_if(encoded, [](char c) { return c == '\r' || c == '\v' || c == '\f'; });
  auto key = DecodeBase64(encoded);
  if (!key || !IsKey(*type, *key)) return false;
  entry->key = std::move(*key);
  return true;
}

// The line's entry for the host, if any.
std::optional<Entry> ReadLine(std::string_view whole, const std::string& name) {
  // A NUL ends the line. OpenSSH passes over the one right behind the names, as over a blank.
  std::string_view line = whole.substr(0, whole.find('\0'));
  SkipBlanks(&line);
  if (line.empty() || line.starts_with('#')) return std::nullopt;
  const auto marker = TakeMarker(&line);
  if (!marker) return std::nullopt;
  Entry entry;
  entry.marker = *marker;
  const std::string_view names = TakeWord(&line);
  if (line.empty()) {
    line = whole.substr(std::min<size_t>(names.end() - whole.begin() + 1, whole.size()));
    line = line.substr(0, line.find('\0'));
  }
  if (line.empty() || !Names(name, names) || !ReadKey(line, &entry)) return std::nullopt;
  return entry;
}

std::vector<Entry> EntriesOf(std::string_view text, const std::string& name) {
  std::vector<Entry> entries;
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto entry = ReadLine(line, name);
    if (!entry) continue;
    entry->line = number;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

std::string NameOf(const std::string& address, int port) {
  const std::string lower = Lower(address);
  return port == kDefaultPort ? lower : "[" + lower + "]:" + std::to_string(port);
}

}  // namespace

Result<KnownHosts> KnownHosts::Read(const std::string& path) {
  Result<std::string> text = ReadWhole(path, kMaxFile);
  if (!text) return Fail(text.error());
  return KnownHosts(*std::move(text));
}

HostKeyVerdict KnownHosts::JudgeAs(const std::string& name, std::string_view key,
                                   size_t* line) const {
  HostKeyVerdict verdict = HostKeyVerdict::kUnknown;
  for (const Entry& entry : EntriesOf(text_, name)) {
    const bool same = entry.key == key;
    const auto decide = [&](HostKeyVerdict now) {
      verdict = now;
      *line = entry.line;
    };
    if (entry.marker == Marker::kRevoked && same) {
      decide(HostKeyVerdict::kRevoked);
      return verdict;
    }
    if (entry.marker == Marker::kAuthority && verdict == HostKeyVerdict::kUnknown) {
      decide(HostKeyVerdict::kAuthority);
    }
    if (entry.marker != Marker::kNone || verdict == HostKeyVerdict::kGood) continue;
    if (same) {
      decide(HostKeyVerdict::kGood);
    } else if (verdict != HostKeyVerdict::kOther) {
      decide(HostKeyVerdict::kOther);
    }
  }
  return verdict;
}

HostKeyVerdict KnownHosts::Judge(const std::string& address, int port, std::string_view key,
                                 size_t* line) const {
  size_t ignored = 0;
  if (line == nullptr) line = &ignored;
  *line = 0;
  const HostKeyVerdict verdict = JudgeAs(NameOf(address, port), key, line);
  const bool nothing_said =
      verdict == HostKeyVerdict::kUnknown || verdict == HostKeyVerdict::kAuthority;
  if (port == kDefaultPort || !nothing_said) return verdict;
  // A key that the file has for the host without its port is accepted too, but no line of that kind
  // can reject one.
  size_t other_line = 0;
  const HostKeyVerdict without_port = JudgeAs(NameOf(address, kDefaultPort), key, &other_line);
  if (without_port != HostKeyVerdict::kGood && without_port != HostKeyVerdict::kRevoked) {
    return verdict;
  }
  *line = other_line;
  return without_port;
}

// As OpenSSH: a type's first key stands for all of that type, and a revoked one is not asked for.
std::vector<std::string> KnownHosts::TypesOf(const std::string& address, int port) const {
  const std::vector<Entry> entries = EntriesOf(text_, NameOf(address, port));
  const auto is_revoked = [&](const std::string& key) {
    return std::ranges::any_of(entries, [&](const Entry& entry) {
      return entry.marker == Marker::kRevoked && entry.key == key;
    });
  };
  std::set<std::string> seen;
  std::vector<std::string> types;
  for (const Entry& entry : entries) {
    if (entry.marker != Marker::kNone) continue;
    const bool is_first =
        seen.insert(entry.type.starts_with("rsa-") ? "ssh-rsa" : entry.type).second;
    if (is_first && !is_revoked(entry.key)) types.push_back(entry.type);
  }
  return types;
}

}  // namespace mailhub::ssh
