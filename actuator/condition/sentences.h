// Why a gate is shut, as people read it behind the gate's state. Each sentence is written here only, with {places} that
// Say fills (lib/base/sentence.h); docs/sentences.md explains each, and tests/sentences_test.py compares it with this
// table. `{during}` is "in its newest scrape" or "within the last 30s".
#pragma once

#include "lib/base/sentence.h"

namespace mailhub::condition {

enum class GateSays {
  kNan,
  kOtherSeries,
  kNotForLong,
  kNoMark,
  kNotScraped,
  kNoSample,
  kSeveralSeries,
  kProbeFailed,
  kCollectorSilent,
  kCollectorFailed,
  kOtherBoot,
  kUptimeBack,
  kUptimeAhead,
  kNewMark,
  kNoBootId,
  kScrapeOfOtherBoot,
  kSpanBeforeReboot,
  kScrapeWithoutUptime,
  kScrapeBeforeStep,
  kNoSamples,
  kSpanBeforeStep,
  kSpanUptimeBack,
  kNoScrapeTime,
  kScrapeBeforeGate,
  kUnmarkedScrape,
  kUnmarkedSpan,
  kBeginMissing,
  kTooFew,
  kForTooShort,
  kRangeTooShort,
  kRateTooShort,
  kNoSeries,
};
constexpr auto WordsOf(GateSays) {
  using enum GateSays;
  return Vocabulary<GateSays>({
      {kNan, "the expression returns NaN"},
      {kOtherSeries, "the expression returns {number} series, expected {number}"},
      {kNotForLong, "it holds, but has not held for all of the last {time}"},
      {kNoMark, "no mark of {host} was taken"},
      {kNotScraped,
       "Prometheus does not scrape {host} in job \"{job}\": add it there, or set prometheus.job in "
       "the actuator file to the job of the exporter's probes"},
      {kNoSample,
       "there is no current sample of {host}, none from the last {time}: its last scrape failed, "
       "or none came yet"},
      {kSeveralSeries,
       "job \"{job}\" has {number} series of {host} ({labels}): choose one with prometheus.labels "
       "in the actuator file, or let the storage remove duplicates"},
      {kProbeFailed, "a probe of {host} failed {during}"},
      {kCollectorSilent, "collector {collector} says nothing about {host}"},
      {kCollectorFailed, "collector {collector} failed on {host} {during}"},
      {kOtherBoot, "{host} has another boot id than when the step was done"},
      {kUptimeBack, "the uptime of {host} went back while its boot id stayed"},
      {kUptimeAhead,
       "the uptime of {host} is {seconds} s above its mark, although the gate waits for {time}"},
      {kNewMark, "{sentence}: a new mark is taken"},
      {kNoBootId, "there is no current boot id of {host}"},
      {kScrapeOfOtherBoot, "the newest scrape of {host} is of another boot"},
      {kSpanBeforeReboot, "the last {time} of {host} reach back before its reboot"},
      {kScrapeWithoutUptime, "the newest scrape of {host} has no uptime"},
      {kScrapeBeforeStep, "the newest scrape of {host} began {seconds} s before the step was done"},
      {kNoSamples, "there are no samples of {host} in the last {time}"},
      {kSpanBeforeStep, "the last {time} of {host} begin {seconds} s before the step was done"},
      {kSpanUptimeBack, "the uptime of {host} went back within the last {time}"},
      {kNoScrapeTime, "the time of the newest scrape of {host} is unknown"},
      {kScrapeBeforeGate,
       "the newest scrape of {host} is {seconds} s old, from before the gate began"},
      {kUnmarkedScrape,
       "{host} gives no mark; its newest scrape must be {time} or more after the gate began, which "
       "is {time} ago"},
      {kUnmarkedSpan,
       "{host} gives no mark; what is known of it must be from after the gate began, which is "
       "{time} ago, needed {time}"},
      {kBeginMissing,
       "the last {time} of {host} begin without a sample: none in their first {time}"},
      {kTooFew,
       "only {number} samples of {host} came in the last {time}, needed {number} at one every "
       "{time}"},
      {kForTooShort,
       "hosts are scraped every {time}, so with `for` a window of {time} is too short: write "
       "{time} or more"},
      {kRangeTooShort,
       "{host} is scraped every {time}, so a range of [{time}] does not hold the scrape that it "
       "needs: write [{time}] or more, or scrape more often"},
      {kRateTooShort,
       "{host} is scraped every {time}, so a range of [{time}] does not hold the two scrapes that "
       "a rate needs: write [{time}] or more, or scrape more often"},
      {kNoSeries,
       "{selector} gives no series now: compare name and labels with docs/metrics.md, and with "
       "what the site file says of the host"},
  });
}

}  // namespace mailhub::condition
