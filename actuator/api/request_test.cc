// Valid requests, and the refusal of text that a journal, a log or a terminal should not hold.
#include "actuator/api/request.h"

#include <gtest/gtest.h>

#include "lib/base/printable.h"

namespace mailhub::api {
namespace {

std::string WhyNot(const std::string& body) {
  http::Request request;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  const auto change = ParseChange(request, {"by", "reason", "runbook", "mode", "parameters"});
  return change ? "accepted" : change.error().message;
}

void ExpectGood(const std::string& message) {
  EXPECT_NE(message, "accepted");
  EXPECT_EQ(message, Printable(message));
  EXPECT_LT(message.size(), 500U) << message;
}

TEST(Request, TakesNothingBeforeOrBehindTheJson) {
  const std::string good = R"({"mode": "observe"})";
  EXPECT_EQ(WhyNot(good), "accepted");
  for (const std::string& bad : {good + '\0', good + '\0' + "{}", "\xef\xbb\xbf" + good})
    EXPECT_EQ(WhyNot(bad), "the body is no valid JSON");
}

TEST(Request, QuotesNothingInARefusalThatIsLongOrSteersATerminal) {
  const std::string key = R"("\u001b[2J)" + std::string(10'000, 'k') + "\"";
  ExpectGood(WhyNot("{" + key + ": 1}"));
  ExpectGood(WhyNot("{" + key + ": 1, " + key + ": 1}"));
  ExpectGood(WhyNot("{\"parameters\": {" + key + ": 1}}"));
  http::Request request;
  request.query = {{"\x1b\xff", "1"}};
  const Status known = OnlyQuery(request, {"limit"});
  ExpectGood(known ? "accepted" : known.error().message);
  const std::string parameter = "\xe4" + std::string(1'900, 'k') + "=1";
  request.query = {{"parameter", parameter}, {"parameter", parameter}};
  const auto parameters = QueryParameters(request);
  ExpectGood(parameters ? "accepted" : parameters.error().message);
}

TEST(Request, RefusesABodyThatIsNestedDeep) {
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_EQ(WhyNot("{\"reason\": " + deep + "}"), "the body is nested too deep");
}

TEST(Request, BoundsTheNamesOfParametersAsItBoundsTheirValues) {
  ExpectGood(WhyNot(R"({"parameters": {"a\u0007": "x"}})"));
  ExpectGood(WhyNot("{\"parameters\": {\"" + std::string(129, 'k') + "\": \"x\"}}"));
  EXPECT_EQ(WhyNot("{\"parameters\": {\"" + std::string(128, 'k') + "\": \"x\"}}"), "accepted");
}

TEST(Request, TakesNoQueryParameterThatIsNoUtf8) {
  http::Request request;
  request.query = {{"parameter", "hub=\xe4"}};
  EXPECT_FALSE(QueryParameters(request));
  request.query = {{"parameter", "hub=\xc3\xa4"}};
  EXPECT_TRUE(QueryParameters(request));
}

}  // namespace
}  // namespace mailhub::api
