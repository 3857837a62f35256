// See pages.h.
#include "actuator/ctl/pages.h"

#include <set>
#include <vector>

#include "actuator/ctl/model.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr size_t kMostPages = 10'000;

}  // namespace

Result<std::string> GetPages(ApiClient& api, const std::string& path, const QueryPairs& query,
                             const PagedList& list) {
  std::vector<std::string> pages;
  size_t bytes = 0;
  size_t items = 0;
  std::optional<std::string> next;
  std::set<std::string> seen;
  while (true) {
    QueryPairs asked = query;
    if (next) {
      std::erase_if(asked, [&](const auto& pair) { return pair.first == list.cursor; });
      asked.emplace_back(list.cursor, *next);
    }
    const size_t limit = static_cast<size_t>(list.limit);
    if (limit > 0) asked.emplace_back("limit", std::to_string(limit - items));
    auto data = api.Get(path, asked);
    if (!data) return Fail(data.error());
    const auto page = ParsePage(*data, list.key);
    if (!page) return Fail(page.error());
    items += page->items;
    bytes += data->size();
    pages.push_back(std::move(*data));
    if (!page->next || (limit > 0 && items >= limit)) break;
    if (bytes >= kMostBytes || pages.size() >= kMostPages) break;
    // A page without items may lead on: its search has ended without a find.
    if (!seen.insert(*page->next).second)
      return Fail(ErrorKind::kInvalid, "the answer says that there is more, and not where");
    next = page->next;
  }
  return pages.size() == 1 ? std::move(pages.front()) : JoinPages(pages, list.key);
}

std::string MoreText(const std::string& data, const PagedList& list, const char* what) {
  const auto page = ParsePage(data, list.key);
  if (!page || !page->next) return "";
  return std::string(what) + ": --" + list.cursor + " " + Printable(*page->next) + "\n";
}

}  // namespace mailhub::ctl
