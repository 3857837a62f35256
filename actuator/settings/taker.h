// Fills settings in from YAML, mistake by mistake.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/config/yaml.h"

namespace mailhub::settings {

using config::Node;

// Fills in what is there and stops at the first mistake. All Take... leave `out` alone when the key
// is missing.
class Taker {
 public:
  explicit Taker(std::string directory) : directory_(std::move(directory)) {}

  void OnlyKeys(const Node& node, std::initializer_list<std::string_view> known) {
    Keep(node.OnlyKeys(known));
  }
  void Text(const Node& node, std::string* out) {
    if (Skip(node)) return;
    Store(node.String(), out);
  }
  void Path(const Node& node, std::string* out) {
    if (Skip(node)) return;
    Store(node.String(), out);
    if (!failed_) *out = (std::filesystem::path(directory_) / *out).lexically_normal();
  }
  template <typename Number>
  void Count(const Node& node, int least, int greatest, Number* out) {
    if (Skip(node)) return;
    const Result<int> number = node.Int(least, greatest);
    if (Keep(number)) *out = static_cast<Number>(*number);
  }
  void Duration(const Node& node, Milliseconds least, Milliseconds* out) {
    if (Skip(node)) return;
    const Result<Milliseconds> duration = node.Duration();
    if (!Keep(duration)) return;
    if (*duration < least) return Bad(node, "shorter than " + std::to_string(least.count()) + "ms");
    *out = *duration;
  }
  void Bool(const Node& node, bool* out) {
    if (Skip(node)) return;
    if (const Result<bool> value = node.Bool(); Keep(value)) *out = *value;
  }
  // A map from names to scalars.
  void Pairs(const Node& node, std::map<std::string, std::string>* out) {
    if (Skip(node)) return;
    if (!node.IsMap()) return Note(node.Expected("a map from names to values"));
    for (const Node::Entry& entry : node.Entries()) {
      Store(entry.value.String(), &(*out)[entry.key]);
      if (failed_) return;
    }
  }
  void Need(const Node& node, std::string_view what) {
    if (!failed_ && !node.Present()) Note(node.Expected(what));
  }
  void Bad(const Node& node, const std::string& message) { Note(node.Invalid(message)); }

  bool failed() const { return failed_.has_value(); }
  Error error() const { return *failed_; }

 private:
  bool Skip(const Node& node) const { return failed_ || !node.Present(); }
  template <typename T>
  bool Keep(const Result<T>& result) {
    if (!result && !failed_) failed_ = result.error();
    return !failed_;
  }
  void Note(const tl::unexpected<Error>& error) {
    if (!failed_) failed_ = error.value();
  }
  void Store(Result<std::string> text, std::string* out) {
    if (Keep(text)) *out = *std::move(text);
  }

  const std::string directory_;
  std::optional<Error> failed_;
};

}  // namespace mailhub::settings
