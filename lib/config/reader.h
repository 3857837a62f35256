// Reads a file strictly, and keeps its first mistake. Values after a mistake are thrown away, so
// no caller needs to stop at it.
//
//   host.address = in.Required(node["address"], Allowed, kAddresses, "an IP address");
//   in.Optional(node["port"], &host.port, ReadInt, 1, 65535);
//
// A rule makes a value of a node: one of values.h, one of those below, or any function like them.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/words.h"
#include "lib/config/names.h"
#include "lib/config/values.h"
#include "lib/config/yaml.h"

namespace mailhub::config {

// Owns the mistake. Confined to one thread, and to one file.
class Reader {
 public:
  bool Failed() const { return mistake_.has_value(); }
  // What was read, or the first mistake: kInvalid with place, field and what was expected.
  template <typename T>
  Result<T> Finish(T value) const {
    if (mistake_) return Fail(*mistake_);
    return value;
  }

  void Keep(tl::unexpected<Error> mistake) {
    if (!mistake_) mistake_ = std::move(mistake.value());
  }
  void Keys(const Node& node, std::initializer_list<std::string_view> known) {
    if (Status only = node.OnlyKeys(known); !only) Keep(Fail(std::move(only.error())));
  }
  // Where "missing; expected WHAT" says more than the rule does.
  void Need(const Node& node, std::string_view what) {
    if (!node.Present()) Keep(node.Expected(what));
  }

  // The value; empty or 0 after a mistake in it.
  template <typename Rule, typename... Args>
  auto Required(const Node& node, Rule&& rule, Args&&... args) {
    auto value = std::invoke(rule, node, args...);
    if (value) return *std::move(value);
    Keep(Fail(std::move(value.error())));
    return typename decltype(value)::value_type();
  }
  // Leaves *out alone when the key is missing.
  template <typename T, typename Rule, typename... Args>
  void Optional(const Node& node, T* out, Rule&& rule, Args&&... args) {
    if (node.Present()) *out = static_cast<T>(Required(node, rule, args...));
  }

 private:
  std::optional<Error> mistake_;
};

// Rules. All fail with kInvalid naming place, field and what was expected.

// At most 4,096 bytes without control characters; TextWith allows those in `controls`.
Result<std::string> PlainText(const Node& node);
Result<std::string> TextWith(const Node& node, std::string_view controls);
Result<std::string> AbsolutePath(const Node& node);
// Made absolute: a relative path is relative to the folder of its file.
Result<std::string> PathFromFile(const Node& node);
// `expected` is for the message.
Result<std::string> Allowed(const Node& node, const AllowList& list, std::string_view expected);
Result<Milliseconds> AtLeast(const Node& node, Milliseconds least);
// A map from names to scalars.
Result<std::map<std::string, std::string>> Pairs(const Node& node);

// One of the enumeration's words.
template <HasWords Enum>
Result<Enum> Choice(const Node& node) {
  const auto word = ReadString(node);
  if (!word) return Fail(word.error());
  if (const auto named = Named<Enum>(*word)) return *named;
  return node.Invalid("expected " + Choices<Enum>() + ", found \"" + *word + "\"");
}

}  // namespace mailhub::config
