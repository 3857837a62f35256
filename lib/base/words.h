// The words of an enumeration, beside its values. The compiler checks that each value has one word, in the
// enumeration's order, so a value that is added anywhere either has its own word or does not compile. Journals, metrics
// and the API hold words, never numbers.
//
//   enum class Mode { kActive, kObserve, kHalted };
//   constexpr auto WordsOf(Mode) {
//     using enum Mode;
//     return Vocabulary<Mode>({{kActive, "active"}, {kObserve, "observe"}, {kHalted, "halted"}});
//   }
//
// gives Name(Mode::kHalted), All<Mode>() and Named<Mode>("halted"). The enumeration counts from 0, without gaps.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailhub {

template <typename Enum>
struct Word {
  Enum value;
  const char* word;
};

// Whether the enumeration has this value: GCC and Clang print a named value by name, others as a cast.
template <auto kValue>
consteval bool IsEnumerator() {
  const std::string_view function = __PRETTY_FUNCTION__;
  return function[function.find("kValue = ") + sizeof "kValue = " - 1] != '(';
}

template <typename Enum, size_t kCount>
consteval std::array<Word<Enum>, kCount> Vocabulary(const Word<Enum> (&words)[kCount]) {
  static_assert(IsEnumerator<static_cast<Enum>(kCount - 1)>(), "there are more words than values");
  static_assert(!IsEnumerator<static_cast<Enum>(kCount)>(), "a value has no word");
  std::array<Word<Enum>, kCount> table{};
  for (size_t i = 0; i < kCount; ++i) {
    if (words[i].value != static_cast<Enum>(i)) throw "the words are not in the values' order";
    for (size_t j = 0; j < i; ++j) {
      if (std::string_view(words[i].word) == words[j].word) throw "two values have the same word";
    }
    table[i] = words[i];
  }
  return table;
}

template <typename Enum>
concept HasWords = requires(Enum value) {
  WordsOf(value);
};

// "?" for a value without a name (a bug of ours).
template <HasWords Enum>
constexpr const char* Name(Enum value) {
  constexpr auto kWords = WordsOf(Enum{});
  const auto index = static_cast<size_t>(value);
  return index < kWords.size() ? kWords[index].word : "?";
}

// All values, in order.
template <HasWords Enum>
constexpr auto All() {
  constexpr auto kWords = WordsOf(Enum{});
  std::array<Enum, kWords.size()> values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = kWords[i].value;
  return values;
}

// The value with this word; nothing: no such word.
template <HasWords Enum>
constexpr std::optional<Enum> Named(std::string_view word) {
  for (const Enum value : All<Enum>()) {
    if (word == Name(value)) return value;
  }
  return std::nullopt;
}

// "active, observe or halted", for messages.
template <HasWords Enum>
std::string Choices() {
  std::string choices;
  const auto all = All<Enum>();
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) choices += i + 1 == all.size() ? " or " : ", ";
    choices += Name(all[i]);
  }
  return choices;
}

}  // namespace mailhub
