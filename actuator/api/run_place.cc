// See run_place.h.
#include "actuator/api/run_place.h"

#include <charconv>
#include <string_view>

namespace mailhub::api {
namespace {

constexpr std::string_view kUnfinished = "unfinished-";
constexpr std::string_view kFinished = "finished-";

}  // namespace

RunPlace RunPlace::Of(const engine::RunView& run) {
  return {run.state == engine::RunState::kFinished, run.seq};
}

bool RunPlace::IsBefore(const engine::RunView& run) const {
  const RunPlace other = Of(run);
  if (other.finished != finished) return other.finished;
  return finished ? other.seq < seq : other.seq > seq;
}

std::string RunPlace::Text() const {
  return std::string(finished ? kFinished : kUnfinished) + std::to_string(seq);
}

Result<std::optional<RunPlace>> QueryRunPlace(const http::Request& request) {
  const auto text = request.Query("after");
  if (!text) return std::nullopt;
  RunPlace place{.finished = text->starts_with(kFinished)};
  const std::string_view word = place.finished ? kFinished : kUnfinished;
  if (text->starts_with(word)) {
    const char* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data() + word.size(), end, place.seq);
    if (parsed.ec == std::errc() && parsed.ptr == end) return place;
  }
  return Fail(ErrorKind::kInvalid,
              "after: expected the next of a page of runs, as unfinished-12 or finished-12");
}

}  // namespace mailhub::api
