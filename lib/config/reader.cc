// See reader.h.
#include "lib/config/reader.h"

#include <filesystem>

#include "lib/base/duration.h"

namespace mailhub::config {
namespace {

constexpr size_t kLongestText = 4096;

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

Result<std::string> PlainText(const Node& node) {
  return TextWith(node, "");
}

Result<std::string> TextWith(const Node& node, std::string_view controls) {
  auto text = ReadString(node);
  if (!text) return text;
  if (text->size() > kLongestText) return node.Invalid("longer than 4096 bytes");
  for (const char c : *text) {
    if (IsControl(c) && controls.find(c) == controls.npos) {
      return node.Invalid("must not hold line ends or other control characters");
    }
  }
  return text;
}

Result<std::string> AbsolutePath(const Node& node) {
  auto path = PlainText(node);
  if (path && path->front() != '/') {
    return node.Invalid("expected an absolute path, found \"" + *path + "\"");
  }
  return path;
}

Result<std::string> PathFromFile(const Node& node) {
  auto path = ReadString(node);
  if (!path) return path;
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(node.File(), ignored).parent_path();
  return (folder / *path).lexically_normal().string();
}

Result<std::string> Allowed(const Node& node, const AllowList& list, std::string_view expected) {
  auto name = ReadString(node);
  if (name && !list.Allows(*name)) {
    return node.Invalid("expected " + std::string(expected) + ", found \"" + *name + "\"");
  }
  return name;
}

Result<Milliseconds> AtLeast(const Node& node, Milliseconds least) {
  auto duration = ReadDuration(node);
  if (duration && *duration < least) {
    return node.Invalid("shorter than " + FormatDuration(least));
  }
  return duration;
}

Result<std::map<std::string, std::string>> Pairs(const Node& node) {
  if (!node.IsMap()) return node.Expected("a map from names to values");
  std::map<std::string, std::string> pairs;
  for (const Node::Entry& entry : node.Entries()) {
    auto value = ReadString(entry.value);
    if (!value) return Fail(value.error());
    pairs.emplace(entry.key, *std::move(value));
  }
  return pairs;
}

}  // namespace mailhub::config
