// Sentences that people read, kept as the words of an enumeration (words.h), so that each is written once and can be
// listed. A sentence has a place in braces for each value:
//
//   enum class Waits { kLock };
//   constexpr auto WordsOf(Waits) {
//     return Vocabulary<Waits>({{Waits::kLock, "run {run} ({runbook}) has a lock that this run needs"}});
//   }
//   Say<Waits::kLock>(run.id, run.runbook)
//
// The compiler checks that there is a value for each place.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "lib/base/words.h"

namespace mailhub {

constexpr size_t PlacesIn(std::string_view sentence) {
  size_t places = 0;
  for (const char c : sentence) places += c == '{' ? 1 : 0;
  return places;
}

// The sentence with the values in its places, in their order. Braces in a value stay as they are.
inline std::string Filled(std::string_view sentence,
                          std::initializer_list<std::string_view> values) {
  std::string text;
  for (const std::string_view value : values) {
    const size_t begin = sentence.find('{');
    text += sentence.substr(0, begin);
    text += value;
    sentence.remove_prefix(sentence.find('}', begin) + 1);
  }
  return text.append(sentence);
}

template <auto kSentence, typename... Values>
std::string Say(const Values&... values) {
  static_assert(PlacesIn(Name(kSentence)) == sizeof...(Values), "each place needs a value");
  return Filled(Name(kSentence), {std::string_view(values)...});
}

}  // namespace mailhub
