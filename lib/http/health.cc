// See health.h.
#include "lib/http/health.h"

#include "lib/base/printable.h"
#include "lib/http/client.h"

namespace mailhub::http {
namespace {

constexpr Milliseconds kPatience{3'000};
constexpr size_t kLongestAnswer = 64 << 10;
constexpr size_t kShown = 200;

}  // namespace

Status CheckHealth(const std::string& url) {
  RequestOptions options;
  options.timeout = kPatience;
  options.max_response_bytes = kLongestAnswer;
  const auto answer = Client().Get(url, options);
  if (!answer) return Fail(answer.error());
  if (answer->status == 200) return {};
  return Fail(ErrorKind::kRefused, url + " answers " + std::to_string(answer->status) + ": " +
                                       Excerpt(answer->body, kShown));
}

}  // namespace mailhub::http
