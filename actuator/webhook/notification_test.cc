#include "actuator/webhook/notification.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "actuator/webhook/rfc3339.h"
#include "lib/base/printable.h"

namespace mailhub::webhook {
namespace {

using nlohmann::json;

// As Alertmanager 0.25 sends it.
json Sample() {
  return json::parse(R"({
    "receiver": "actuator", "status": "firing", "version": "4",
    "groupKey": "{}:{alertname=\"DirectoryMemoryHigh\"}", "truncatedAlerts": 0,
    "groupLabels": {"alertname": "DirectoryMemoryHigh"}, "commonLabels": {}, "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
      {"status": "firing", "labels": {"alertname": "DirectoryMemoryHigh", "instance": "x500"},
       "annotations": {"summary": "The directory on x500 uses 512MiB"},
       "startsAt": "2024-03-01T09:52:26.739266876+02:00", "endsAt": "0001-01-01T00:00:00Z",
       "generatorURL": "http://prometheus:9090/graph", "fingerprint": "00ff12ab34cd56ef"},
      {"status": "resolved", "labels": {"alertname": "TablesStale", "instance": "mailhub2"},
       "annotations": {}, "startsAt": "2024-03-01T00:00:00Z", "endsAt": "2024-03-01T01:00:00Z",
       "generatorURL": "", "fingerprint": "ffffffffffffffff"}
    ]})");
}

// The defect of the notification, or of its first malformed alert.
std::string WhyNot(const json& body) {
  const auto notification = ParseNotification(body.dump());
  if (notification) {
    for (const engine::Alert& alert : notification->alerts) {
      if (!alert.malformed.empty()) return alert.malformed;
    }
    return "accepted";
  }
  EXPECT_EQ(notification.error().kind, ErrorKind::kInvalid);
  return notification.error().message;
}

TEST(Notification, ParsesAlertmanagersBody) {
  const auto notification = ParseNotification(Sample().dump());
  ASSERT_TRUE(notification) << notification.error().message;
  EXPECT_EQ(notification->truncated, 0u);
  ASSERT_EQ(notification->alerts.size(), 2u);
  const engine::Alert& first = notification->alerts[0];
  EXPECT_TRUE(first.firing);
  EXPECT_EQ(first.fingerprint, "00ff12ab34cd56ef");
  EXPECT_EQ(first.labels, (std::map<std::string, std::string>{{"alertname", "DirectoryMemoryHigh"},
                                                              {"instance", "x500"}}));
  EXPECT_EQ(ToUnixMs(first.starts_at), 1'709'279'546'739);
  EXPECT_FALSE(notification->alerts[1].firing);
}

TEST(Notification, AnEmptyListOfAlertsIsFine) {
  json body = Sample();
  body["alerts"] = json::array();
  EXPECT_EQ(WhyNot(body), "accepted");
}

TEST(Notification, AlertsThatAlertmanagerLeftOutAreCounted) {
  json body = Sample();
  body["truncatedAlerts"] = 12;
  EXPECT_EQ(ParseNotification(body.dump())->truncated, 12u);
  body.erase("truncatedAlerts");
  EXPECT_EQ(ParseNotification(body.dump())->truncated, 0u);
  body["truncatedAlerts"] = -1;
  EXPECT_EQ(WhyNot(body), "truncatedAlerts must be a number, 0 or more");
}

TEST(Notification, EveryMistakeIsNamedWithItsPlace) {
  const auto with = [](const char* pointer, const json& value) {
    json body = Sample();
    body[json::json_pointer(pointer)] = value;
    return WhyNot(body);
  };
  EXPECT_EQ(with("/version", "3"),
            "version must be \"4\", Alertmanager's webhook format; found \"3\"");
  EXPECT_EQ(with("/alerts", json::object()), "alerts must be a list");
  EXPECT_EQ(with("/alerts/1", "x"), "alerts[1]: must be an object");
  EXPECT_EQ(with("/alerts/1/status", "pending"),
            "alerts[1]: status must be \"firing\" or \"resolved\"");
  EXPECT_EQ(with("/alerts/0/fingerprint", "00FF12AB34CD56EF"),
            "alerts[0]: fingerprint must be 16 lower-case hex digits");
  EXPECT_EQ(with("/alerts/0/fingerprint", "../../etc/passwd"),
            "alerts[0]: fingerprint must be 16 lower-case hex digits");
  EXPECT_EQ(with("/alerts/0/startsAt", 5), "alerts[0]: startsAt must be a string");
  EXPECT_EQ(with("/alerts/0/startsAt", "yesterday").substr(0, 39),
            "alerts[0]: startsAt: \"yesterday\" is not");
  EXPECT_EQ(with("/alerts/0/labels", json::array()), "alerts[0]: labels must be an object");
  EXPECT_EQ(with("/alerts/0/labels/x", 1), "alerts[0]: label x must be a string");
  EXPECT_EQ(WhyNot(json::array()), "the body must be a JSON object");
  EXPECT_EQ(ParseNotification("{broken").error().message, "the body is not JSON");
  EXPECT_EQ(ParseNotification("").error().message, "the body is not JSON");
  EXPECT_EQ(ParseNotification("\xef\xbb\xbf{}").error().message, "the body is not JSON");
  EXPECT_EQ(ParseNotification(std::string("{}\0", 3)).error().message, "the body is not JSON");
}

TEST(Notification, AVersionThatATemplateMadeANumberIsTheSame) {
  json body = Sample();
  body["version"] = 4;
  EXPECT_EQ(WhyNot(body), "accepted");
}

TEST(Notification, AnotherVersionIsRefusedWithItsLikelyCause) {
  const auto version = [](const json& value) {
    json body = Sample();
    body["version"] = value;
    return WhyNot(body);
  };
  EXPECT_EQ(
      version("1"),
      "version must be \"4\", Alertmanager's webhook format; found \"1\", as Grafana's alerting "
      "sends it: let Grafana notify an Alertmanager, and that one this program");
  EXPECT_EQ(version(1), version("1"));
  EXPECT_EQ(version("\x1b[2J4"),
            "version must be \"4\", Alertmanager's webhook format; found \"\\x1b[2J4\"");
  EXPECT_EQ(version(3), "version must be \"4\", Alertmanager's webhook format; found 3");
  EXPECT_EQ(
      version(json::array()),
      "version must be \"4\", Alertmanager's webhook format; found neither text nor a number");
  json body = Sample();
  body.erase("version");
  EXPECT_EQ(
      WhyNot(body),
      "version is missing; expected \"4\": not Alertmanager's own format; remove `payload` or "
      "`body` from its receiver");
}

TEST(Notification, AnAlertWithoutFingerprintIsRefusedWithItsLikelyCause) {
  json body = Sample();
  body["alerts"][0].erase("fingerprint");
  EXPECT_EQ(WhyNot(body),
            "alerts[0]: fingerprint is missing: not Alertmanager's own format; remove `payload` or "
            "`body` "
            "from its receiver");
}

TEST(Notification, OneMalformedAlertHidesNoOtherAndKeepsItsReadableParts) {
  json body = Sample();
  body["alerts"][0]["startsAt"] = "yesterday";
  body["alerts"].push_back("x");
  const auto notification = ParseNotification(body.dump());
  ASSERT_TRUE(notification) << notification.error().message;
  ASSERT_EQ(notification->alerts.size(), 3u);
  const engine::Alert& first = notification->alerts[0];
  EXPECT_EQ(first.malformed.substr(0, 20), "alerts[0]: startsAt:");
  EXPECT_EQ(first.labels.at("alertname"), "DirectoryMemoryHigh");
  EXPECT_EQ(first.fingerprint, "00ff12ab34cd56ef");
  EXPECT_TRUE(first.firing) << "never taken for the end of an episode";
  EXPECT_EQ(notification->alerts[1].malformed, "");
  EXPECT_FALSE(notification->alerts[1].firing);
  EXPECT_EQ(notification->alerts[2].malformed, "alerts[2]: must be an object");
}

TEST(Notification, NoLabelsNameSteersTheTerminalThatShowsItsMistake) {
  json body = Sample();
  body["alerts"][0]["labels"] = {{"a\x1b[2J", 1}};
  EXPECT_EQ(WhyNot(body), "alerts[0]: label a\\x1b[2J must be a string");
}

TEST(Notification, EveryFieldWeReadIsRequired) {
  for (const char* field : {"status", "labels", "startsAt", "fingerprint"}) {
    json body = Sample();
    body["alerts"][1].erase(field);
    EXPECT_EQ(WhyNot(body).substr(0, 11), "alerts[1]: ") << field;
  }
  for (const char* field : {"version", "alerts"}) {
    json body = Sample();
    body.erase(field);
    EXPECT_NE(WhyNot(body), "accepted") << field;
  }
}

TEST(Notification, BoundsHoldExactly) {
  json body = Sample();
  json labels = json::object();
  for (size_t i = 0; i < kMostLabels; ++i) labels["l" + std::to_string(i)] = "v";
  body["alerts"][0]["labels"] = labels;
  EXPECT_EQ(WhyNot(body), "accepted");
  body["alerts"][0]["labels"]["more"] = "v";
  EXPECT_EQ(WhyNot(body), "alerts[0]: has more than 64 labels");

  body = Sample();
  body["alerts"][0]["labels"]["x"] = std::string(kLongestLabelValue, 'v');
  EXPECT_EQ(WhyNot(body), "accepted");
  body["alerts"][0]["labels"]["x"] = std::string(kLongestLabelValue + 1, 'v');
  EXPECT_EQ(WhyNot(body), "alerts[0]: label x is longer than 4096 bytes");

  body = Sample();
  body["alerts"][0]["labels"][std::string(kLongestLabelName + 1, 'n')] = "v";
  EXPECT_EQ(WhyNot(body), "alerts[0]: a label's name must have 1 to 128 bytes");
  body = Sample();
  body["alerts"][0]["labels"][""] = "v";
  EXPECT_EQ(WhyNot(body), "alerts[0]: a label's name must have 1 to 128 bytes");
}

TEST(Notification, FiveThousandAlertsAreTakenAndOneMoreIsNot) {
  json body = Sample();
  json alert = {{"status", "firing"},
                {"labels", json::object()},
                {"startsAt", "2024-03-01T00:00:00Z"},
                {"fingerprint", "ffffffffffffffff"}};
  body["alerts"] = json::array();
  for (size_t i = 0; i < kMostAlerts; ++i) body["alerts"].push_back(alert);
  ASSERT_LT(body.dump().size(), kMostBytes);
  EXPECT_EQ(WhyNot(body), "accepted");
  body["alerts"].push_back(alert);
  const auto refused = ParseNotification(body.dump());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kRefused) << "sent again it may be smaller";
  EXPECT_EQ(refused.error().message, "has more than 5000 alerts");
}

TEST(Notification, FiveThousandAlertsWithLongAnnotationsAreTakenAndAnnotationsDropped) {
  json body = Sample();
  const json alert = {
      {"status", "firing"},
      {"labels", {{"alertname", "TablesStale"}, {"instance", "mailhub2"}}},
      {"annotations",
       {{"summary", std::string(500, 's')}, {"description", std::string(4'000, 'd')}}},
      {"startsAt", "2024-03-01T00:00:00Z"},
      {"endsAt", "0001-01-01T00:00:00Z"},
      {"generatorURL", "http://prometheus:9090/graph?" + std::string(500, 'g')},
      {"fingerprint", "ffffffffffffffff"}};
  body["alerts"] = json::array();
  for (size_t i = 0; i < kMostAlerts; ++i) body["alerts"].push_back(alert);
  const auto notification = ParseNotification(body.dump());
  ASSERT_TRUE(notification) << notification.error().message;
  ASSERT_EQ(notification->alerts.size(), kMostAlerts);
  EXPECT_EQ(notification->alerts.back().malformed, "");
  EXPECT_EQ(notification->alerts.back().labels.size(), 2u);
}

TEST(Notification, DeepAndLongBodiesAreRefusedBeforeTheyAreRead) {
  EXPECT_EQ(
      ParseNotification(std::string(500'000, '[') + std::string(500'000, ']')).error().message,
      "the body is nested deeper than 32 levels");
  EXPECT_EQ(ParseNotification(std::string(kMostBytes + 1, ' ')).error().message,
            "the body is longer than 33554432 bytes");
  const auto nested = [](int levels) {  // the body itself is one
    json value = json::array({1});
    for (int n = 2; n < levels; ++n) value = json::array({value});
    json body = Sample();
    body["more"] = value;
    return WhyNot(body);
  };
  EXPECT_EQ(nested(kDeepest), "accepted");
  EXPECT_EQ(nested(kDeepest + 1), "the body is nested deeper than 32 levels");
  json body = Sample();
  body["groupKey"] = std::string(100, '[') + "\\\"" + std::string(100, '{');
  EXPECT_EQ(WhyNot(body), "accepted") << "brackets in strings are text";
}

TEST(Notification, ABodyCutAnywhereIsRefusedAndNeverCrashes) {
  const std::string body = Sample().dump();
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(ParseNotification(std::string_view(body).substr(0, size))) << size;
  }
}

TEST(Notification, BodiesWithAnyByteChangedAreSurvived) {
  const std::string body = Sample().dump();
  std::mt19937 random(1);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = body;
    for (int n = 0; n < 3; ++n) changed[random() % changed.size()] = static_cast<char>(random());
    if (const auto parsed = ParseNotification(changed)) {
      ++accepted;
      for (const engine::Alert& alert : parsed->alerts) {
        EXPECT_TRUE(alert.fingerprint.size() == 16 || !alert.malformed.empty());
      }
    }
  }
  EXPECT_GT(accepted, 0u) << "some changes are only in text";
}

TEST(Rfc3339, TimesAreReadToTheMillisecond) {
  const auto ms = [](const char* text) {
    const Result<WallTime> time = ParseRfc3339(text);
    EXPECT_TRUE(time) << text;
    return time ? ToUnixMs(*time) : -1;
  };
  EXPECT_EQ(ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(ms("1970-01-01T00:00:00.5Z"), 500);
  EXPECT_EQ(ms("1970-01-01T00:00:00.123456789Z"), 123);
  EXPECT_EQ(ms("1970-01-01T02:30:00+02:30"), 0);
  EXPECT_EQ(ms("1969-12-31T21:30:00-02:30"), 0);
  EXPECT_EQ(ms("2000-02-29T12:00:00Z"), 951'825'600'000);
  EXPECT_EQ(ms("0001-01-01T00:00:00Z"), -62'135'596'800'000);
  EXPECT_EQ(ms("9999-12-31T23:59:60Z"), 253'402'300'800'000);
}

TEST(Rfc3339, ARefusalQuotesWholeCharactersThatSteerNothing) {
  for (const std::string& text : {std::string("2026\x1b[2J"), "x" + std::string(59, '\xc3'),
                                  std::string(59, 'x') + "\xc3\xa4"}) {
    const auto time = ParseRfc3339(text);
    ASSERT_FALSE(time);
    EXPECT_EQ(time.error().message, Printable(time.error().message));
  }
}

TEST(Rfc3339, EverythingElseIsRefused) {
  for (const char* text :
       {"", "2024", "2024-03-01", "2024-03-01T00:00:00", "2024-03-01 00:00:00Z",
        "2024-3-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z", "2024-03-01T24:00:00Z", "2024-03-01T00:60:00Z",
        "2024-03-01T00:00:61Z", "2024-03-01T00:00:00.Z", "2024-03-01T00:00:00+24:00",
        "2024-03-01T00:00:00+2", "2024-03-01T00:00:00Zx", "0000-03-01T00:00:00Z",
        "-024-03-01T00:00:00Z", "2024-03-01t00:00:00z"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace mailhub::webhook
