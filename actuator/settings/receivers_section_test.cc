// The `receivers:` section of the actuator file.
#include <gtest/gtest.h>

#include "actuator/settings/settings.h"

namespace mailhub::settings {
namespace {

using notify::Format;
using notify::Happening;

Result<std::vector<ReceiverSettings>> Read(const std::string& section) {
  const auto settings = ParseSettings(
      "site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://x'}\nreceivers:" + section,
      "/etc/mailhub/actuator.yml");
  if (!settings) return Fail(settings.error());
  return settings->receivers;
}

void Says(const std::string& receiver, const std::string& sentence) {
  const auto read = Read("\n  - {" + receiver + "}");
  ASSERT_FALSE(read) << receiver << " is accepted";
  EXPECT_EQ(read.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(read.error().message.find(sentence), std::string::npos)
      << receiver << ": " << read.error().message;
}

TEST(ReceiversSection, MayBeMissing) {
  const auto settings = ParseSettings(
      "site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://x'}\n", "/etc/actuator.yml");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_TRUE(settings->receivers.empty());
}

TEST(ReceiversSection, TheSmallestOneHasDefaultsForTheRest) {
  const auto read = Read("\n  - {name: chat, url_file: chat.url, format: slack}");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 1U);
  const ReceiverSettings& chat = read->front();
  EXPECT_EQ(chat.name, "chat");
  EXPECT_EQ(chat.url, "");
  EXPECT_EQ(chat.url_file, "/etc/mailhub/chat.url");
  EXPECT_EQ(chat.format, Format::kSlack);
  EXPECT_EQ(chat.events.size(), 5U);
  EXPECT_EQ(chat.keep, Milliseconds(12 * 3'600'000));
  EXPECT_EQ(chat.timeout, Milliseconds(10'000));
}

TEST(ReceiversSection, EveryKeyIsRead) {
  const auto read = Read(R"(
  - name: alertmanager
    url: https://am.example.org:9093/path/
    format: alertmanager
    events: [held, late]
    keep: 1h
    timeout: 3s
    headers: {X-Scope-OrgID: mail}
    header_files: {X-Api-Key: keys/api}
    ca_file: ca.pem
    basic_auth: {username: actuator, password_file: p}
  - {name: tickets, url: "http://[::1]:1/in", format: plain, bearer_token_file: t}
)");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  const ReceiverSettings& one = read->at(0);
  EXPECT_EQ(one.url, "https://am.example.org:9093/path/");
  EXPECT_EQ(one.format, Format::kAlertmanager);
  EXPECT_EQ(one.events, (std::set<Happening>{Happening::kHeld, Happening::kLate}));
  EXPECT_EQ(one.keep, Milliseconds(3'600'000));
  EXPECT_EQ(one.timeout, Milliseconds(3'000));
  EXPECT_EQ(one.headers.at("X-Scope-OrgID"), "mail");
  EXPECT_EQ(one.header_files.at("X-Api-Key"), "/etc/mailhub/keys/api");
  EXPECT_EQ(one.ca_file, "/etc/mailhub/ca.pem");
  EXPECT_EQ(one.basic_user, "actuator");
  EXPECT_EQ(one.basic_password_file, "/etc/mailhub/p");
  EXPECT_EQ(read->at(1).bearer_token_file, "/etc/mailhub/t");
}

TEST(ReceiversSection, RefusesWhatCannotBeMeant) {
  Says("name: a, format: slack", "actuator.yml:6:5: receivers[0]: expected one of url");
  Says("name: a, url: 'http://x', url_file: u, format: slack", "expected one of url");
  Says("name: a, url: 'ftp://x', format: slack", "receivers[0].url: expected a URL");
  Says("name: a, url: \"http://x/\\u00e9\", format: slack", "expected a URL");
  Says("name: a, url: 'http://x/a b', format: slack", "expected a URL");
  Says("name: a b, url: 'http://x', format: slack", "letters, digits, _ and -");
  Says("url: 'http://x', format: slack", "a name for this receiver");
  Says("name: a, url: 'http://x'", "alertmanager, slack or plain");
  Says("name: a, url: 'http://x', format: teams", "expected alertmanager, slack or plain");
  Says("name: a, url: 'http://x', format: slack, events: []", "at least one of held, waiting");
  Says("name: a, url: 'http://x', format: slack, events: held", "at least one of held, waiting");
  Says("name: a, url: 'http://x', format: slack, events: [started]",
       "expected held, waiting, failed, finished or late");
  Says("name: a, url: 'http://x', format: slack, events: [held, held]", "named twice");
  Says("name: a, url: 'http://x', format: slack, keep: 1s", "keep: shorter than 1m");
  Says("name: a, url: 'http://x', format: slack, timeout: 2m", "longer than 1m");
  Says("name: a, url: 'http://x', format: slack, colour: red", "colour");
  Says("name: a, url: 'http://x', format: slack, headers: {Content-Length: 1}",
       "expected a header like X-Scope-OrgID");
  Says("name: a, url: 'http://x', format: slack, headers: {idempotency-KEY: 1}",
       "each notification has one of its own");
  Says(
      "name: a, url: 'http://x', format: slack, bearer_token_file: t, "
      "basic_auth: {username: u, password_file: p}",
      "exclude each other");
}

TEST(ReceiversSection, RefusesTwoOfOneNameAndTooMany) {
  const std::string one = "\n  - {name: a, url: 'http://x', format: slack}";
  const auto twice = Read(one + one);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("another receiver has this name"), std::string::npos);
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += "\n  - {name: a" + std::to_string(i) + ", url: 'http://x', format: slack}";
  }
  EXPECT_FALSE(Read(many));
  EXPECT_FALSE(Read(" {name: a}"));
}

}  // namespace
}  // namespace mailhub::settings
