// What Prometheus, browsers and curl ask for, and what they get.
#include "lib/metrics/negotiate.h"

#include <gtest/gtest.h>

namespace mailhub::metrics {
namespace {

TEST(Negotiate, GivesOpenMetricsToWhoPrefersIt) {
  for (const char* accept :
       {"application/openmetrics-text", "application/openmetrics-text; version=1.0.0",
        "Application/OpenMetrics-Text;Version=\"1.0.0\"",
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "text/plain;q=0.5, application/openmetrics-text;q=0.5",
        "*/*, text/plain;q=0.2, application/openmetrics-text;q=0.3",
        "text/html, application/openmetrics-text;q=0.001"}) {
    EXPECT_EQ(FormatFor(accept), Format::kOpenMetrics) << accept;
  }
}

TEST(Negotiate, GivesTextToEverybodyElse) {
  for (const char* accept :
       {"", "*/*", "text/plain", "application/*", "text/html,application/xhtml+xml,*/*;q=0.8",
        "application/openmetrics-text;q=0", "application/openmetrics-text;q=0, */*",
        "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0",
        "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.9",
        "application/openmetrics-text;q=0.3, text/*;q=0.4",
        "application/openmetrics-text;q=0.3, */*;q=0.4", "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=2", "application/openmetrics-text;q=",
        "application/openmetrics-textual", ",,;;q=1,", "application/json", "text/plain;q=0"}) {
    EXPECT_EQ(FormatFor(accept), Format::kText) << accept;
  }
}

}  // namespace
}  // namespace mailhub::metrics
