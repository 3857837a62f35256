// How a trigger reads labels: by names that are label names, and as others write `instance`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "actuator/settings/matcher.h"
#include "actuator/settings/settings.h"

namespace mailhub::settings {
namespace {

using ::testing::HasSubstr;

Result<Settings> Parse(const std::string& labels) {
  return ParseSettings(
      "site: s\nrunbooks: r\njournal: j\nprometheus: {url: 'http://p'}\n"
      "triggers:\n"
      "  - name: a\n"
      "    match: ['a=\"b\"']\n"
      "    runbook: r\n"
      "    parameters_from_labels: " +
          labels + "\n",
      "/etc/mailhub/actuator.yml");
}

std::string WhyNot(const std::string& labels) {
  const auto settings = Parse(labels);
  return settings ? "accepted" : settings.error().message;
}

TEST(Labels, WhatIsNoLabelsNameIsRefusedWhereItIsWritten) {
  EXPECT_EQ(
      WhyNot("{mailhub: 'in stance'}"),
      "/etc/mailhub/actuator.yml:9:39: triggers[0].parameters_from_labels.mailhub: expected a "
      "label's name, found \"in stance\"; names of other than letters, digits and _ are "
      "written in double quotes, as in a matcher: '\"my.label\"'");
  EXPECT_THAT(WhyNot("{mailhub: '1st'}"), HasSubstr("expected a label's name"));
  EXPECT_THAT(WhyNot("{mailhub: my.label}"), HasSubstr("expected a label's name"));
  EXPECT_THAT(WhyNot("{mailhub: '$labels.instance'}"), HasSubstr("expected a label's name"));
  EXPECT_THAT(WhyNot("{mailhub: '\"\"'}"), HasSubstr("expected a label's name"));
}

TEST(Labels, ANameInQuotesMayBeAnyText) {
  const auto settings = Parse(R"({mailhub: '"my.label"'})");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->engine.triggers[0].parameters_from_labels.at("mailhub"), "my.label");
}

TEST(Labels, TheLongFormSaysTheSame) {
  const auto settings = Parse("{mailhub: {label: instance}}");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->engine.triggers[0].parameters_from_labels.at("mailhub"), "instance");
  EXPECT_THAT(WhyNot("{mailhub: {lable: instance}}"), HasSubstr("lable: unknown key"));
  EXPECT_THAT(WhyNot("{mailhub: {}}"), HasSubstr("mailhub.label: missing"));
  EXPECT_THAT(WhyNot("{mailhub: []}"), HasSubstr("expected a label's name"));
}

TEST(Labels, APortIsStrippedOnlyWhereTheLongFormSaysSo) {
  const auto settings = Parse(
      "{a: {label: instance, strip_port: true}, b: {label: instance, strip_port: false}, "
      "c: instance}");
  ASSERT_TRUE(settings) << settings.error().message;
  const engine::Trigger& trigger = settings->engine.triggers[0];
  EXPECT_EQ(trigger.strip_port, std::set<std::string>({"a"}));
  EXPECT_EQ(trigger.parameters_from_labels.at("a"), "instance");
  EXPECT_THAT(WhyNot("{a: {label: instance, strip_port: 9100}}"),
              HasSubstr("strip_port: expected true or false"));
  EXPECT_THAT(WhyNot("{a: {strip_port: true}}"), HasSubstr("a.label: missing"));
}

TEST(Matcher, ALabelsNameInQuotesIsReadAsAlertmanagerWritesIt) {
  const auto check = [](const char* text, const char* label, const char* value) {
    const auto matcher = ParseMatcher(text);
    ASSERT_TRUE(matcher) << matcher.error().message;
    EXPECT_EQ(matcher->label, label) << text;
    EXPECT_EQ(matcher->value, value) << text;
  };
  check(R"("my.label"="x")", "my.label", "x");
  check(R"( "my label" != "x" )", "my label", "x");
  check(R"("mein Schlüssel"=~"a|b")", "mein Schlüssel", "a|b");
  check(R"("say \"hi\""="x")", "say \"hi\"", "x");
  check(R"("instance"="x")", "instance", "x");
  for (const std::string text : {R"(""="x")", R"("a="x")", R"("a" "b"="x")", "\"\xff\"=\"x\"",
                                 R"("a"b="x")", R"("a"="x", "b"="y")"}) {
    const auto matcher = ParseMatcher(text);
    ASSERT_FALSE(matcher) << text;
    EXPECT_THAT(matcher.error().message, HasSubstr("expected one like"));
  }
  EXPECT_FALSE(ParseMatcher("\"" + std::string(129, 'n') + "\"=\"x\"")) << "no alert has such";
}

}  // namespace
}  // namespace mailhub::settings
