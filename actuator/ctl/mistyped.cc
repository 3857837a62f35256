// See mistyped.h.
#include "actuator/ctl/mistyped.h"

#include <algorithm>

#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr size_t kLongestWord = 32;

// The number of letters to insert, delete or change.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string Listed(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string Closest(const std::string& word, const std::vector<std::string>& known) {
  if (word.size() > kLongestWord) return "";
  std::string best;
  // One mistake in a short word, two in a longer one, more in a long one.
  size_t least = (word.size() < 4 ? 1 : std::max<size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = Distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string MistypedText(const std::string& before, const std::string& word,
                         const std::vector<std::string>& known) {
  const std::string list = Listed(known);
  if (word.empty()) return (before.empty() ? "" : before + ": ") + "which command? " + list;
  const std::string blank = before.empty() ? "" : " ";
  const std::string closest = Closest(word, known);
  return "no command '" + before + blank + Printable(word) + "'; " +
         (closest.empty() ? "" : "did you mean '" + before + blank + closest + "'? ") +
         "There are: " + list;
}

}  // namespace mailhub::ctl
