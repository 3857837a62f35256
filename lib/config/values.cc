#include "lib/config/values.h"

#include <charconv>
#include <cmath>

#include "lib/base/duration.h"
#include "lib/base/printable.h"

namespace mailhub::config {

Result<std::string> ReadString(const Node& node) {
  if (!node.IsScalar() || node.Scalar().empty()) return node.Expected("text");
  // Paths and commands go to the system, which would take the beginning for the whole.
  if (node.Scalar().find('\0') != std::string::npos) return node.Expected("text without NUL");
  // yaml-cpp makes a lone byte of some escapes, "\_" for one.
  if (!IsUtf8(node.Scalar())) return node.Expected("UTF-8 text");
  return node.Scalar();
}

Result<int> ReadInt(const Node& node, int least, int greatest) {
  const auto wrong = [&] {
    return node.Expected("a whole number from " + std::to_string(least) + " to " +
                         std::to_string(greatest));
  };
  if (!node.IsScalar()) return wrong();
  const std::string& text = node.Scalar();
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return wrong();
  if (number < least || number > greatest) return wrong();
  return number;
}

Result<double> ReadNumber(const Node& node) {
  if (!node.IsScalar()) return node.Expected("a number");
  const std::string& text = node.Scalar();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return node.Expected("a number");
  }
  return number;
}

Result<bool> ReadBool(const Node& node) {
  if (node.IsScalar() && node.Scalar() == "true") return true;
  if (node.IsScalar() && node.Scalar() == "false") return false;
  return node.Expected("true or false");
}

Result<Milliseconds> ReadDuration(const Node& node) {
  if (!node.IsScalar()) return node.Expected("a duration like 90s, 15m or 1h30m");
  auto duration = ParseDuration(node.Scalar());
  if (!duration) return node.Invalid(duration.error().message);
  return duration;
}

Result<std::vector<std::string>> ReadStrings(const Node& node) {
  if (!node.IsList()) return node.Expected("a list of texts");
  std::vector<std::string> texts;
  for (const Node& item : node.Items()) {
    auto text = ReadString(item);
    if (!text) return Fail(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

}  // namespace mailhub::config
