// GET /api/v1/report.
#include "actuator/api/render.h"
#include "actuator/api/testing_api.h"

namespace mailhub::api {
namespace {

TEST_F(ApiTest, ReportsFinishedRunsWithTheirHoldsAndPeople) {
  const Json runs = Data(Get("/api/v1/report"))["runs"];
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0]["waitedSeconds"], 60.0);
  EXPECT_EQ(runs[0]["workedSeconds"], 14'400.0);
  EXPECT_EQ(runs[0]["holds"], Json::object());
  EXPECT_EQ(runs[1]["durationSeconds"], 14'401.0);
  EXPECT_EQ(runs[1]["workedSeconds"], 13'801.0);
  EXPECT_EQ(runs[1]["holds"], Json::parse(R"({"gate_shut": 2, "step_failed": 1})"));
  EXPECT_EQ(runs[1]["acted"][0], Json::parse(R"({"by": "anna", "verb": "retry", "times": 2})"));
  EXPECT_EQ(runs[1]["actedMore"], 3);
}

TEST_F(ApiTest, ReportsFromWhenOnAllRunsAreThere) {
  EXPECT_TRUE(Data(Get("/api/v1/report")).contains("wholeFrom"));
  EXPECT_TRUE(Data(Get("/api/v1/report"))["wholeFrom"].is_null()) << "none was removed";
  backend_.WholeFrom(testing::kStart);
  EXPECT_EQ(Data(Get("/api/v1/report?limit=1"))["wholeFrom"], "2026-03-01T10:00:00.000Z");
}

TEST_F(ApiTest, ReportsTheTimeAskedForPageByPage) {
  const std::string second = FormatUtc(testing::kStart - Seconds(86'400 - 14'401));
  const auto seqs = [&](const std::string& query) {
    std::vector<int> found;
    const Json data = Data(Get("/api/v1/report?" + query));
    for (const Json& run : data["runs"]) found.push_back(run["seq"]);
    return found;
  };
  EXPECT_EQ(seqs("since=" + second), (std::vector<int>{40, 39}));
  EXPECT_EQ(seqs("until=" + second), std::vector<int>{38});
  EXPECT_EQ(seqs("result=failed"), std::vector<int>{39});
  const Json page = Data(Get("/api/v1/report?limit=1&before=40"));
  EXPECT_EQ(page["runs"][0]["seq"], 39);
  EXPECT_EQ(page["next"], 39);
  ExpectError(Get("/api/v1/report?since=yesterday"), 400, "invalid",
              "since: expected a time like 2026-01-31T00:00:00Z, found \"yesterday\"");
  ExpectError(Get("/api/v1/report?limit=20000"), 400, "invalid", "from 1 to 10000");
  ExpectError(Get("/api/v1/report?foo=1"), 400, "invalid", "known here: runbook, target");
}

}  // namespace
}  // namespace mailhub::api
