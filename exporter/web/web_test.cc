// Parts that need no host: time-outs from headers, pages from the site file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/web/app.h"
#include "exporter/web/render.h"

namespace mailhub::exporter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::Site Parse(const std::string& rest) {
  auto site = config::ParseSite(
      "ssh: {user: root, known_hosts: k, exporter_key: /secret/place, actuator_key: /secret/2}\n" +
          rest,
      "/etc/site.yml");
  EXPECT_TRUE(site) << site.error().message;
  return *site;
}

TEST(ProbeTimeout, LeavesTimeForTheWayBackButNeverLessThanHalf) {
  const Milliseconds offset(250);
  EXPECT_EQ(ProbeTimeout("10", offset), Milliseconds(9'750));
  EXPECT_EQ(ProbeTimeout("1.0", offset), Milliseconds(750));
  EXPECT_EQ(ProbeTimeout("0.3", offset), Milliseconds(150));
  EXPECT_EQ(ProbeTimeout("", offset), Milliseconds(9'750));
  EXPECT_EQ(ProbeTimeout("-1", offset), Milliseconds(9'750));
  EXPECT_EQ(ProbeTimeout("nan", offset), Milliseconds(9'750));
  EXPECT_EQ(ProbeTimeout("1e9", offset), Milliseconds(9'750));
  EXPECT_EQ(ProbeTimeout("100000", offset), Milliseconds(119'750));
  EXPECT_EQ(ProbeTimeout("0.0001", offset), Milliseconds(1));
}

// Each asks for frozen hosts, as much as it may, and for a good one.
TEST(ScrapeTurns, OfFewClientsCostNobodyAScrapeOfAHostThatAnswers) {
  for (const int clients : {1, 2, 4, 7}) {
    ScrapeTurns turns(1'000, 28);
    int waiting = 0;
    for (int client = 0; client < clients; ++client) {
      for (int host = 0; host < 40; ++host) {
        const std::string name = host == 0 ? "good" : "frozen" + std::to_string(host);
        for (int i = 0; i < 10; ++i) {
          const Place place = turns.Begin(name, "greedy" + std::to_string(client));
          waiting += place == Place::kMore ? 1 : 0;
        }
      }
    }
    EXPECT_GE(waiting, 28) << clients;
    EXPECT_LE(waiting, 28 + ScrapeTurns::kSpare) << clients;
    EXPECT_EQ(turns.Begin("good", "known"), Place::kMore) << clients;
    EXPECT_EQ(turns.Begin("other", "known"), Place::kFirstOfHost) << clients;
    turns.End(Place::kMore, "good", "known");
    EXPECT_EQ(turns.Begin("good", "known"), Place::kMore) << clients;
  }
}

TEST(ScrapeTurns, OfOneHostForOneClientAreFour) {
  ScrapeTurns turns(1'000, 28);
  std::vector<Place> places;
  for (int i = 0; i < 4; ++i) places.push_back(turns.Begin("a", "x"));
  EXPECT_EQ(turns.Begin("a", "x"), Place::kNone);
  EXPECT_EQ(turns.Begin("a", "y"), Place::kMore);
  for (const Place place : places) turns.End(place, "a", "x");
  EXPECT_EQ(turns.Begin("a", "x"), Place::kMore);
}

TEST(Render, ListsHostsWithTheirGroupsForDiscovery) {
  const auto site =
      Parse("groups: {hubs: [a]}\nhosts: {a: {address: 10.0.0.1}, b: {address: b}}\n");
  const std::string page = RenderDiscovery(site);
  EXPECT_THAT(page, HasSubstr("{\"targets\": [\"a\"], \"labels\": {\"__meta_mailhub_address\": "
                              "\"10.0.0.1\", \"__meta_mailhub_platform\": \"linux\", "
                              "\"__meta_mailhub_groups\": \",hubs,\"}}"));
  EXPECT_EQ(RenderDiscovery(Parse("hosts: {}\n")), "[]\n");
}

TEST(Render, ShowsTheConfigurationWithoutKeysAndCommands) {
  const std::string page = RenderConfig(Parse(
      "groups: {hubs: [a], none: []}\nhosts:\n  a:\n    address: a\n"
      "    processes: {p: {exe: /p, args_contain: \"say \\\"hi\\\"\"}}\n    threads: {p: [x, y]}\n"
      "    services: {s: {}}\n    checks: {c: {command: \"login --password=1\"}}\n"
      "    commands: {d: \"use 2\"}\n"));
  EXPECT_THAT(page, Not(HasSubstr("/secret")));
  EXPECT_THAT(page, Not(HasSubstr("password")));
  EXPECT_THAT(page, Not(HasSubstr("use 2")));
  EXPECT_THAT(page, HasSubstr("p: {exe: \"/p\", args_contain: \"say \\\"hi\\\"\"}"));
  EXPECT_THAT(page, HasSubstr("p: [\"x\", \"y\"]"));
  EXPECT_THAT(page, HasSubstr("none: []"));
  EXPECT_THAT(page, HasSubstr("s: {kind: systemd}"));
}

TEST(Render, EscapesHtml) {
  const std::string page = RenderLanding(nullptr, "1<2", "/m\"&x");
  EXPECT_THAT(page, HasSubstr("1&lt;2"));
  EXPECT_THAT(page, HasSubstr("/m&quot;&amp;x"));
}

}  // namespace
}  // namespace mailhub::exporter
