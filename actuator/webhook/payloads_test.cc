// Webhook bodies of senders by generation: each file of testdata/ is decided as its sender's
// documentation says. Written from the documented fields; 0.25, 0.28 and 0.33 were compared with
// real Alertmanagers.
//
//   0.27 label names of any UTF-8 text   0.32 notification_reason   0.34 routeLabels
//   0.31 a templated url                 0.32 payload: the site's own body, often incomplete
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "actuator/webhook/notification.h"
#include "lib/config/yaml.h"

namespace mailhub::webhook {
namespace {

using testing::HasSubstr;

Result<engine::Notification> Parse(const std::string& file) {
  const Result<std::string> body =
      config::ReadFile(std::string(MAILHUB_TESTDATA) + "/" + file + ".json", kMostBytes);
  EXPECT_TRUE(body) << file;
  return ParseNotification(body ? *body : "");
}

// "firing DirectoryMemoryHigh x500 at 1673857805123", or why the alert is malformed.
std::string Describe(const engine::Alert& alert) {
  if (!alert.malformed.empty()) return "malformed: " + alert.malformed;
  std::ostringstream text;
  text << (alert.firing ? "firing" : "resolved");
  for (const char* name : {"alertname", "instance"}) {
    const auto found = alert.labels.find(name);
    if (found != alert.labels.end()) text << " " << found->second;
  }
  text << " at " << ToUnixMs(alert.starts_at);
  return text.str();
}

struct Accepted {
  const char* file;
  std::vector<std::string> alerts;
  size_t labels;  // of the first alert
  uint64_t truncated = 0;
};

const Accepted kAccepted[] = {
    {"alertmanager-0.25", {"firing DirectoryMemoryHigh x500 at 1673857805123"}, 7},
    {"alertmanager-0.26", {"resolved DirectoryMemoryHigh x500 at 1693865700500"}, 7},
    {"alertmanager-0.27", {"firing TablesStale mailhub2 at 1709532000000"}, 10},
    {"alertmanager-0.28",
     {"firing TablesStale mailhub2 at 1741564800001",
      "resolved TablesStale mailhub3 at 1741564799999"},
     7,
     3},
    {"alertmanager-0.29", {"firing TablesStale at 1762171200000"}, 1},
    {"alertmanager-0.30", {"firing DirectoryMemoryHigh x500 at 1767243599000"}, 7},
    {"alertmanager-0.31", {"firing TablesStale mailhub2 at 1770091506000"}, 7},
    {"alertmanager-0.32", {"firing DirectoryMemoryHigh x500 at 1775729472130"}, 7},
    {"alertmanager-0.33", {"resolved DirectoryMemoryHigh x500 at 1781518272000"}, 7},
    {"alertmanager-0.34", {"firing TablesStale mailhub2 at 1786953600000"}, 7},
    {"vmalert-through-alertmanager", {"firing TablesStale mailhub2 at 1772348889250"}, 8},
};

struct Refused {
  const char* file;
  const char* cause;  // part of the sentence
};

const Refused kRefused[] = {
    // Grafana's own format differs, and its version says so.
    {"grafana-9", "version must be \"4\""},
    {"grafana-12", "version must be \"4\""},
    {"alertmanager-0.34-payload-without-version", "version"},
    // Alerts as Prometheus and vmalert send them to an Alertmanager: the address is wrong.
    {"prometheus-direct", "the body must be a JSON object"},
    {"vmalert-direct", "the body must be a JSON object"},
};

constexpr const char* kPartly = "alertmanager-0.34-payload-without-fingerprint";

TEST(Payloads, EveryAlertmanagerFrom025To034IsUnderstoodAndVmalertBehindOne) {
  for (const Accepted& expected : kAccepted) {
    const auto notification = Parse(expected.file);
    ASSERT_TRUE(notification) << expected.file << ": " << notification.error().message;
    std::vector<std::string> alerts;
    for (const engine::Alert& alert : notification->alerts) alerts.push_back(Describe(alert));
    EXPECT_EQ(alerts, expected.alerts) << expected.file;
    EXPECT_EQ(notification->alerts.at(0).labels.size(), expected.labels) << expected.file;
    EXPECT_EQ(notification->alerts.at(0).fingerprint.size(), 16u) << expected.file;
    EXPECT_EQ(notification->truncated, expected.truncated) << expected.file;
  }
}

TEST(Payloads, LabelNamesAndValuesOfAnyUtf8TextAreKept) {
  const auto notification = Parse("alertmanager-0.27");
  ASSERT_TRUE(notification);
  const auto& labels = notification->alerts.at(0).labels;
  EXPECT_EQ(labels.at("host.rack"), "R 12");
  EXPECT_EQ(labels.at("Raum-Nr"), "Süd/3");
  EXPECT_EQ(labels.at("空"), "満");
}

TEST(Payloads, FieldsThatANewerAlertmanagerAddsChangeNothing) {
  const auto with = Parse("alertmanager-0.34");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->alerts.at(0).labels.count("team"), 0u)
      << "a route's label is none of the alert's";
}

TEST(Payloads, AnotherFormatIsRefusedWithASentenceThatNamesTheCause) {
  for (const Refused& expected : kRefused) {
    const auto notification = Parse(expected.file);
    ASSERT_FALSE(notification) << expected.file;
    EXPECT_EQ(notification.error().kind, ErrorKind::kInvalid) << expected.file;
    EXPECT_THAT(notification.error().message, HasSubstr(expected.cause)) << expected.file;
  }
}

TEST(Payloads, AnAlertThatATemplateLeftWithoutFingerprintIsNamedAndHidesNoOther) {
  const auto notification = Parse(kPartly);
  ASSERT_TRUE(notification) << notification.error().message;
  ASSERT_EQ(notification->alerts.size(), 2u);
  EXPECT_THAT(notification->alerts[0].malformed, HasSubstr("alerts[0]: fingerprint"));
  EXPECT_EQ(Describe(notification->alerts[1]), "firing DirectoryMemoryHigh x500 at 1786953600000");
}

TEST(Payloads, EveryFileIsDecidedHere) {
  std::set<std::string> decided = {kPartly};
  for (const Accepted& accepted : kAccepted) decided.insert(accepted.file);
  for (const Refused& refused : kRefused) decided.insert(refused.file);
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(MAILHUB_TESTDATA)) {
    files.insert(entry.path().stem().string());
  }
  EXPECT_EQ(files, decided);
}

}  // namespace
}  // namespace mailhub::webhook
