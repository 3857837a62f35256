// See demand.h.
#include "tests/fuzz/demand.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "lib/base/printable.h"

namespace mailhub::fuzz {
namespace {

constexpr size_t kLongestMessage = 1'000;
constexpr double kMostSeconds = 2;

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

void Demand(bool kept, std::string_view sentence, std::string_view shown) {
  if (kept) return;
  std::fprintf(stderr, "broken demand: %s\n%s%s", std::string(sentence).c_str(),
               Printable(shown).c_str(), shown.empty() ? "" : "\n");
  std::abort();
}

void DemandGoodMessage(std::string_view message) {
  Demand(!message.empty(), "a refusal says why");
  Demand(message.size() <= kLongestMessage, "a message is no longer than 1,000 bytes", message);
  Demand(Printable(message) == message, "a message is printable", message);
}

void DemandGoodMessage(const Error& error) {
  DemandGoodMessage(error.message);
}

void DemandPlaced(const Error& error, std::string_view path, std::string_view text) {
  DemandGoodMessage(error);
  const std::string& message = error.message;
  Demand(message.starts_with(std::string(path) + ":"), "a mistake has its file", message);
  long line = 0;
  long column = 0;
  const int read = std::sscanf(message.c_str() + path.size(), ":%ld:%ld: ", &line, &column);
  Demand(read == 2 && line >= 1 && column >= 1, "a mistake has its line and column", message);
  const long lines = std::count(text.begin(), text.end(), '\n') + 1;
  Demand(line <= lines, "a mistake is in its file", message);
}

void Timed(void (*one)(std::string_view), std::string_view bytes) {
  const double begun = ThreadSeconds();
  one(bytes);
  Demand(ThreadSeconds() - begun < kMostSeconds, "an input takes less than two seconds");
}

}  // namespace mailhub::fuzz
