#include "lib/http/peek.h"

#include <gtest/gtest.h>

#include <string>

namespace mailhub::http {
namespace {

TEST(SaidInHttp, TellsHeadFromWholeRequest) {
  EXPECT_EQ(SaidInHttp(""), Said::kNothing);
  EXPECT_EQ(SaidInHttp("\r\n"), Said::kPart);
  EXPECT_EQ(SaidInHttp("\r\nGET / HTTP/1.1\r\nHost: t\r\n"), Said::kPart);
  EXPECT_EQ(SaidInHttp("\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n"), Said::kAll);
  EXPECT_EQ(SaidInHttp("GET / HTTP/1.0\n\n"), Said::kAll);
  EXPECT_EQ(SaidInHttp("nonsense\r\n\r\n"), Said::kAll) << "there is something to refuse";
  EXPECT_EQ(SaidInHttp(std::string(kMostLookedAt - 1, 'x')), Said::kPart);
  EXPECT_EQ(SaidInHttp(std::string(kMostLookedAt, 'x')), Said::kTooMuch);
}

TEST(SaidInHttp, WaitsForABodyOfTheLengthThatTheHeadSays) {
  for (const char* name :
       {"Content-Length: 4", "content-length:4", "X: y\r\nCONTENT-LENGTH: \t4 "}) {
    const std::string head = "POST / HTTP/1.1\r\n" + std::string(name) + "\r\nHost: t\r\n\r\n";
    for (size_t size = 1; size < head.size(); ++size) {
      EXPECT_EQ(SaidInHttp(head.substr(0, size)), Said::kPart) << head.substr(0, size);
    }
    EXPECT_EQ(SaidInHttp(head), Said::kHead) << head;
    EXPECT_EQ(SaidInHttp(head + "bod"), Said::kHead) << head;
    EXPECT_EQ(SaidInHttp(head + "body"), Said::kAll) << head;
    EXPECT_EQ(SaidInHttp(head + "bodyGET "), Said::kAll) << head;
  }
}

TEST(SaidInHttp, LetsARefusalOfABadLengthNotWait) {
  for (const char* value : {"", " ", "-1", "+1", "ten", "99999999999999999999999"}) {
    EXPECT_EQ(SaidInHttp("POST / HTTP/1.1\r\nContent-Length:" + std::string(value) + "\r\n\r\n"),
              Said::kAll)
        << value;
  }
}

TEST(SaidInTls, TakesARecordForTheFirstMessage) {
  const std::string hello(
      "\x16\x03\x01\x00\x03"
      "abc",
      8);
  EXPECT_EQ(SaidInTls(""), Said::kNothing);
  for (size_t size = 1; size < hello.size(); ++size) {
    EXPECT_EQ(SaidInTls(hello.substr(0, size)), Said::kPart) << size;
  }
  EXPECT_EQ(SaidInTls(hello), Said::kAll);
  EXPECT_EQ(SaidInTls("GET / HTTP/1.1\r\n"), Said::kAll) << "no TLS: there is something to refuse";
}

}  // namespace
}  // namespace mailhub::http
