// Which scrapes may wait for a host. A silent host keeps a worker for each as long as its client asks
// for, so all of them together must leave workers for other requests.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "lib/base/guarded.h"

namespace mailhub::exporter {

// Thread-safe.
class ScrapeTurns {
 public:
  // Of one host for one client: two Prometheus servers behind one proxy, and people who look.
  static constexpr int kMostOfOneClient = 4;

  // `most`: at once. `most_more`: beside one for each host.
  ScrapeTurns(int most, int most_more) : most_(most), most_more_(most_more) {}

  // True: the scrape may wait; call End with the same names afterwards.
  bool Begin(const std::string& host, const std::string& client) {
    return waiting_.With([&](Waiting& waiting) {
      const bool is_first = !waiting.of_host.contains(host);
      const int more = waiting.all - static_cast<int>(waiting.of_host.size());
      const auto mine = waiting.of_client.find({host, client});
      if (waiting.all >= most_ || (!is_first && more >= most_more_) ||
          (mine != waiting.of_client.end() && mine->second >= kMostOfOneClient)) {
        return false;
      }
      ++waiting.all;
      ++waiting.of_host[host];
      ++waiting.of_client[{host, client}];
      return true;
    });
  }
  void End(const std::string& host, const std::string& client) {
    waiting_.With([&](Waiting& waiting) {
      --waiting.all;
      if (--waiting.of_host[host] == 0) waiting.of_host.erase(host);
      if (--waiting.of_client[{host, client}] == 0) waiting.of_client.erase({host, client});
    });
  }

 private:
  struct Waiting {
    int all = 0;
    std::map<std::string, int> of_host;
    std::map<std::pair<std::string, std::string>, int> of_client;
  };
  const int most_;
  const int most_more_;
  Guarded<Waiting> waiting_;
};

}  // namespace mailhub::exporter
