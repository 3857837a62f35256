// Good hosts' replies are read; anything else is refused early and costs little memory.
#include "exporter/collector/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "exporter/collector/collector.h"
#include "lib/metrics/testing.h"

namespace mailhub::exporter {
namespace {

using ::testing::HasSubstr;

constexpr char kReply[] =
    "N begin 1\nuptime 1234.56\nboot 8a002b5d-4133\nclock 100 4 1700000000\n"
    "section host 10.00\ncpu  100 0 200 9000 50 0 1 2 0 0\ncpus 2\nMemTotal: 1000 kB\n"
    "MemFree: 10 kB\nMemAvailable: 500 kB\ntime 1700001234.5\ndone host 10.25\n"
    "section services 11\nfailed services 12 systemctl show said nothing\nN end\n";

std::string Refusal(const std::string& bytes) {
  ReplyReader reader("N");
  auto fed = reader.Feed(bytes);
  if (fed) return reader.complete() ? "complete" : "waiting";
  EXPECT_EQ(fed.error().kind, ErrorKind::kCorrupt);
  return fed.error().message;
}

TEST(Reply, IsTheSameHoweverTheBytesAreCut) {
  const std::string noise = "Welcome!\nLast login: yesterday\n$ \n";
  for (size_t size : {1u, 2u, 7u, 1000u}) {
    ReplyReader reader("N");
    const std::string bytes = noise + kReply;
    for (size_t i = 0; i < bytes.size(); i += size) {
      ASSERT_TRUE(reader.Feed(std::string_view(bytes).substr(i, size)));
    }
    ASSERT_TRUE(reader.complete());
    EXPECT_EQ(reader.reply().uptime_seconds, 1234.56);
    EXPECT_EQ(reader.reply().boot_id, "8a002b5d-4133");
    EXPECT_EQ(reader.reply().boot_time_seconds, 1700000000);
    const Section* host = reader.reply().Find("host");
    ASSERT_NE(host, nullptr);
    EXPECT_TRUE(host->done);
    EXPECT_DOUBLE_EQ(host->seconds, 0.25);
    EXPECT_EQ(host->lines.size(), 6u);
    EXPECT_FALSE(reader.reply().Find("services")->done);
    EXPECT_EQ(reader.reply().Find("services")->complaint, "systemctl show said nothing");
  }
}

TEST(Reply, ShowsCompleteSectionsBeforeItIsComplete) {
  ReplyReader reader("N");
  ASSERT_TRUE(
      reader.Feed("N begin 1\nuptime 1\nsection host 1\nx\ndone host 2\nsection files 2\ny"));
  EXPECT_FALSE(reader.complete());
  EXPECT_TRUE(reader.reply().Find("host")->done);
  EXPECT_FALSE(reader.reply().Find("files")->done);
}

TEST(Reply, IsRefusedWhenItsStructureIsBroken) {
  EXPECT_EQ(Refusal("N begin 1\nuptime 1\nN end\n"), "complete");
  EXPECT_THAT(Refusal("N begin 2\n"), HasSubstr("another version"));
  EXPECT_THAT(Refusal("N begin 1\nhello\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nuptime -1\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nuptime nan\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nuptime 1e300\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nboot ../../etc\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nclock 0 4 1\n"), HasSubstr("unknown line"));
  EXPECT_THAT(Refusal("N begin 1\nsection a 1\nsection b 1\n"), HasSubstr("begins in the wrong"));
  EXPECT_THAT(Refusal("N begin 1\nsection a\n"), HasSubstr("begins in the wrong"));
  EXPECT_THAT(Refusal("N begin 1\nsection a 1\ndone b 1\n"), HasSubstr("ends in the wrong"));
  EXPECT_THAT(Refusal("N begin 1\ndone a 1\n"), HasSubstr("ends in the wrong"));
  EXPECT_THAT(Refusal("N begin 1\nsection a 1\nN end\n"), HasSubstr("end is in the wrong place"));
  EXPECT_THAT(Refusal("N begin 1\nsection a 1\ndone a 1\nsection a 1\n"), HasSubstr("too many"));
  EXPECT_THAT(Refusal("N begin 1\nN end\nmore\n"), HasSubstr("follows its end"));
}

TEST(Reply, CostsBoundedMemoryForAnyInput) {
  const std::string block(60'000, 'x');
  ReplyReader noise("N");
  size_t sent = 0;
  while (noise.Feed(block)) ASSERT_LT(sent += block.size(), 1u << 20);
  ReplyReader line("N");
  ASSERT_TRUE(line.Feed("N begin 1\n"));
  EXPECT_FALSE(line.Feed(block));
  ReplyReader frame("N");
  ASSERT_TRUE(frame.Feed("N begin 1\nsection a 1\n"));
  sent = 0;
  const std::string lines = std::string(5000, 'x') + "\n";
  while (frame.Feed(lines)) ASSERT_LT(sent += lines.size(), 4u << 20);
  ReplyReader sections("N");
  ASSERT_TRUE(sections.Feed("N begin 1\n"));
  int count = 0;
  while (sections.Feed("section " + std::to_string(count) + " 1\ndone " + std::to_string(count) +
                       " 1\n")) {
    ASSERT_LT(++count, 100);
  }
}

TEST(Reply, SurvivesAMillionBytesOfMutations) {
  std::minstd_rand random(20240601);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = kReply;
    for (int i = 0; i < 4; ++i) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, random() % 40);
          break;
        default:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 40));
      }
    }
    ReplyReader reader("N");
    static_cast<void>(reader.Feed(bytes));
    for (const Section& section : reader.reply().sections) {
      for (const Collector* collector : kHelperCollectors) {
        metrics::Families families;
        Past past;
        static_cast<void>(
            collector->read(config::Host{}, reader.reply(), section, &past, &families));
      }
    }
  }
}

}  // namespace
}  // namespace mailhub::exporter
