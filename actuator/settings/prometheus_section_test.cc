// The `prometheus:` section of the actuator file.
#include <gtest/gtest.h>

#include "actuator/settings/settings.h"

namespace mailhub::settings {
namespace {

Result<PrometheusSettings> Read(const std::string& section) {
  const auto settings = ParseSettings("site: s\nrunbooks: r\njournal: j\nprometheus: " + section,
                                      "/etc/mailhub/actuator.yml");
  if (!settings) return Fail(settings.error());
  return settings->fixed.prometheus;
}

std::string WhyNot(const std::string& section) {
  const auto read = Read("{url: 'http://x', " + section + "}");
  return read ? "accepted" : read.error().message;
}

bool Says(const std::string& section, const std::string& sentence) {
  const std::string why = WhyNot(section);
  const bool says = why.find(sentence) != std::string::npos;
  if (!says) ADD_FAILURE() << section << ": " << why;
  return says;
}

TEST(PrometheusSection, NeedsAUrlOnly) {
  const auto read = Read("{url: 'http://x'}");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->job, "mailhub");
  EXPECT_EQ(read->scrape_interval, Milliseconds(0));
  EXPECT_TRUE(read->headers.empty());
  EXPECT_TRUE(read->labels.empty());
}

TEST(PrometheusSection, NamesJobIntervalReplicaAndHeaders) {
  const auto read = Read(R"(
  url: https://mimir.example/prometheus
  job: "mail probes"
  scrape_interval: 15s
  labels: {replica: a}
  headers: {X-Scope-OrgID: mail}
  header_files: {X-Api-Key: keys/api}
)");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->job, "mail probes");
  EXPECT_EQ(read->scrape_interval, Milliseconds(15'000));
  EXPECT_EQ(read->labels.at("replica"), "a");
  EXPECT_EQ(read->headers.at("X-Scope-OrgID"), "mail");
  EXPECT_EQ(read->header_files.at("X-Api-Key"), "/etc/mailhub/keys/api");
}

TEST(PrometheusSection, RefusesWhatCannotBeAsked) {
  EXPECT_TRUE(Says("scrape_interval: 0s", "shorter than 10ms"));
  EXPECT_TRUE(Says("scrape_interval: often", "prometheus.scrape_interval"));
  EXPECT_TRUE(Says("job: \"a\\nb\"", "expected the name of a scrape job"));
  EXPECT_TRUE(Says("labels: {instance: a}", "expected a label like replica"));
  EXPECT_TRUE(Says("labels: {9a: b}", "expected a label like replica"));
  EXPECT_TRUE(Says("labels: [a]", "a map from names to values"));
  EXPECT_TRUE(Says("headers: {'X Y': a}", "expected a header like X-Scope-OrgID"));
  EXPECT_TRUE(Says("headers: {Authorization: a}", "expected a header like X-Scope-OrgID"));
  EXPECT_TRUE(Says("headers: {Content-Length: 1}", "expected a header like X-Scope-OrgID"));
  EXPECT_TRUE(Says("headers: {X-A: \"a\\r\\nb\"}", "printable characters"));
  EXPECT_TRUE(Says("headers: {X-A: a}, header_files: {x-a: b}", "is set twice"));
  EXPECT_TRUE(Says("interval: 1s", "interval"));
}

}  // namespace
}  // namespace mailhub::settings
