// Which scrapes may wait for a host. A silent host keeps a worker for each as long as its client asks
// for, so all of them together must leave workers for other requests.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "lib/base/guarded.h"

namespace mailhub::exporter {

enum class Place { kNone, kFirstOfHost, kMore };

// Thread-safe.
class ScrapeTurns {
 public:
  // Of one host for one client: two Prometheus servers behind one proxy, and people who look.
  static constexpr int kMostOfOneClient = 4;
  // Beside `most_more`, for clients that have fewer than two of those: what others take of them costs
  // nobody a scrape of a host that answers.
  static constexpr int kSpare = 14;

  // `most`: at once. `most_more`: beside one for each host.
  ScrapeTurns(int most, int most_more) : most_(most), most_more_(most_more) {}

  // Unless kNone the scrape may wait; call End with the result and the same names afterwards.
  Place Begin(const std::string& host, const std::string& client) {
    return waiting_.With([&](Waiting& waiting) {
      const bool first = !waiting.of_host.contains(host);
      const int left = most_more_ - waiting.more;
      if (waiting.all >= most_ || Of(waiting.of_both, {host, client}) >= kMostOfOneClient ||
          (!first && left <= 0 && (left <= -kSpare || Of(waiting.more_of_client, client) >= 2))) {
        return Place::kNone;
      }
      ++waiting.all;
      ++waiting.of_host[host];
      ++waiting.of_both[{host, client}];
      if (first) return Place::kFirstOfHost;
      ++waiting.more;
      ++waiting.more_of_client[client];
      return Place::kMore;
    });
  }
  void End(Place place, const std::string& host, const std::string& client) {
    waiting_.With([&](Waiting& waiting) {
      --waiting.all;
      Less(&waiting.of_host, host);
      Less(&waiting.of_both, {host, client});
      if (place != Place::kMore) return;
      --waiting.more;
      Less(&waiting.more_of_client, client);
    });
  }

 private:
  struct Waiting {
    int all = 0;
    int more = 0;
    std::map<std::string, int> of_host;
    std::map<std::string, int> more_of_client;
    std::map<std::pair<std::string, std::string>, int> of_both;
  };
  template <typename Key>
  static int Of(const std::map<Key, int>& counts, const Key& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  }
  template <typename Key>
  static void Less(std::map<Key, int>* counts, const Key& key) {
    if (--(*counts)[key] == 0) counts->erase(key);
  }

  const int most_;
  const int most_more_;
  Guarded<Waiting> waiting_;
};

}  // namespace mailhub::exporter
