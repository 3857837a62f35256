#include "actuator/remote/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::remote {
namespace {

using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kReply =
    "mailhub-runner 1\nnonce=n\nresult=ok\nstate=finished\nexit_status=3\nduration_ms=20\n"
    "truncated=1\ndirectory_id=d1\nboot_id=b1\nuptime=12.34\noutput_bytes=6\n\nhello\n";

RemoteRequest RunRequest() {
  RemoteRequest request;
  request.verb = RemoteVerb::kRun;
  request.key = "r/1/1";
  request.command = "echo 1\n";
  request.directory_id = "d1";
  return request;
}

RemoteReply Read(std::string_view bytes, Told told = Told::kReceipt) {
  ReplyReader reader("n", told);
  EXPECT_TRUE(reader.Feed(bytes));
  return reader.Take("x500");
}

TEST(Protocol, SaysARequestWithItsBodyFramed) {
  Exchange exchange;
  exchange.nonce = "n";
  exchange.wait = Milliseconds(1500);
  exchange.within = Milliseconds(30'000);
  const auto text = EncodeRequest(RunRequest(), {"j1", 7}, exchange);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, StartsWith("mailhub-request 1\nnonce=n\nverb=run\njournal=j1\nepoch=7\n"));
  EXPECT_THAT(*text, HasSubstr("\nwait_ms=1500\nwithin_ms=30000\n"));
  EXPECT_THAT(*text, EndsWith("\nbody_bytes=7\n\necho 1\n\n"));
  EXPECT_THAT(*text, Not(HasSubstr("generation")));
  RemoteRequest disarm;
  disarm.verb = RemoteVerb::kDisarm;
  disarm.key = "r/1";
  disarm.generation = 2;
  EXPECT_THAT(*EncodeRequest(disarm, {"j1", 7}, exchange), HasSubstr("\ngeneration=2\n"));
}

TEST(Protocol, RefusesFieldsThatWouldBreakTheFrame) {
  RemoteRequest request = RunRequest();
  request.key = "r/1/1\nverb=sweep";
  EXPECT_EQ(EncodeRequest(request, {"j1", 1}, {}).error().kind, ErrorKind::kInvalid);
  request = RunRequest();
  request.command = std::string("a\0b", 3);
  EXPECT_EQ(EncodeRequest(request, {"j1", 1}, {}).error().kind, ErrorKind::kInvalid);
  request.command = std::string(size_t{65} * 1024, 'x');
  EXPECT_EQ(EncodeRequest(request, {"j1", 1}, {}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(EncodeRequest(RunRequest(), {"", 1}, {}).error().kind, ErrorKind::kInvalid);
}

TEST(Protocol, ReadsAReplyInAnyPieces) {
  for (size_t piece = 1; piece < kReply.size(); ++piece) {
    ReplyReader reader("n", Told::kReceipt);
    bool complete = false;
    for (size_t at = 0; at < kReply.size(); at += piece) {
      ASSERT_FALSE(complete);
      complete = reader.Feed(kReply.substr(at, piece));
    }
    ASSERT_TRUE(complete);
    const RemoteReply reply = reader.Take("x500");
    ASSERT_TRUE(reply.receipt);
    EXPECT_EQ(reply.receipt->state, ReceiptState::kFinished);
    EXPECT_EQ(reply.receipt->exit_status, 3);
    EXPECT_EQ(reply.receipt->duration, Milliseconds(20));
    EXPECT_TRUE(reply.receipt->truncated);
    EXPECT_EQ(reply.receipt->output, "hello\n");
    EXPECT_EQ(reply.directory_id, "d1");
    EXPECT_EQ(reply.mark, (engine::Mark{"b1", 12.34}));
  }
}

TEST(Protocol, NeverTakesAPartOfAReplyForTheWhole) {
  for (size_t length = 0; length < kReply.size(); ++length) {
    ReplyReader reader("n", Told::kReceipt);
    EXPECT_FALSE(reader.Feed(kReply.substr(0, length))) << length;
  }
}

TEST(Protocol, SkipsALoginScriptsOutput) {
  const RemoteReply reply = Read("Welcome to mailhub-runner 1\n\n" + std::string(kReply));
  ASSERT_TRUE(reply.receipt);
  EXPECT_EQ(reply.receipt->output, "hello\n");
}

TEST(Protocol, GivesUpOnEndlessNoise) {
  ReplyReader reader("n", Told::kReceipt);
  EXPECT_TRUE(reader.Feed(std::string(70'000, 'x')));
  EXPECT_EQ(reader.Take("x500").receipt.error().kind, ErrorKind::kOutcomeUnknown);
}

TEST(Protocol, DoesNotBelieveAReplyToAnotherRequest) {
  ReplyReader reader("other", Told::kReceipt);
  EXPECT_TRUE(reader.Feed(kReply));
  EXPECT_EQ(reader.Take("x500").receipt.error().kind, ErrorKind::kOutcomeUnknown);
}

TEST(Protocol, DoesNotBelieveGarbledReplies) {
  for (const char* header :
       {"result=ok\n", "result=ok\ndirectory_id=d\nboot_id=b\nstate=odd\n", "nonsense\n",
        "result=ok\ndirectory_id=d\nboot_id=b\nexit_status=many\n",
        "result=ok\ndirectory_id=d\nboot_id=b\noutput_bytes=5000\n", "result=error\n"}) {
    const RemoteReply reply = Read("mailhub-runner 1\nnonce=n\n" + std::string(header) + "\n");
    ASSERT_FALSE(reply.receipt) << header;
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kOutcomeUnknown) << header;
  }
}

// kReply without the line of `field`, or with another line in its place.
std::string With(std::string_view field, std::string_view line) {
  std::string reply(kReply);
  const size_t at = reply.find("\n" + std::string(field) + "=") + 1;
  return reply.replace(at, reply.find('\n', at) + 1 - at, line);
}

TEST(Protocol, DoesNotGuessMissingFields) {
  for (const char* field :
       {"result", "state", "exit_status", "directory_id", "boot_id", "uptime", "output_bytes"}) {
    const RemoteReply reply = Read(With(field, ""));
    ASSERT_FALSE(reply.receipt) << field;
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kOutcomeUnknown) << field;
    EXPECT_EQ(reply.receipt.error().message,
              "x500: the runner's reply is garbled: it has no " + std::string(field));
  }
  EXPECT_TRUE(Read(With("duration_ms", "")).receipt);
  // An error without a name is no success, and a success has none.
  EXPECT_THAT(Read(With("result", "result=error\n")).receipt.error().message,
              HasSubstr("no error"));
  EXPECT_THAT(Read(With("result", "result=ok\nerror=refused\n")).receipt.error().message,
              HasSubstr("ok and has an error"));
  // A status with another state than finished has no meaning.
  EXPECT_FALSE(Read(With("state", "state=running\n")).receipt);
}

TEST(Protocol, RequiresTheFieldsOfEachRequestsReply) {
  const std::string mark =
      "mailhub-runner 1\nnonce=n\nresult=ok\ndirectory_id=d\nboot_id=b\nuptime=1.0\n"
      "output_bytes=0\n";
  EXPECT_TRUE(Read(mark + "\n", Told::kMark).receipt);
  EXPECT_FALSE(Read(mark + "\n", Told::kLease).receipt);
  EXPECT_FALSE(Read(mark + "\n", Told::kReceipt).receipt);
  EXPECT_TRUE(Read(mark + "lease=armed\n\n", Told::kLease).receipt);
  EXPECT_TRUE(Read(mark + "state=void\n\n", Told::kReceipt).receipt);
  EXPECT_EQ(ToBeTold(RemoteVerb::kHello, false), Told::kLease);
  EXPECT_EQ(ToBeTold(RemoteVerb::kHello, true), Told::kMark);
  EXPECT_EQ(ToBeTold(RemoteVerb::kVoid, false), Told::kReceipt);
  EXPECT_EQ(ToBeTold(RemoteVerb::kRenew, false), Told::kLease);
}

TEST(Protocol, BelievesNoFigureThatCannotBe) {
  const std::vector<std::pair<const char*, const char*>> odd{
      {"exit_status", "exit_status=-1\n"},
      {"exit_status", "exit_status=256\n"},
      {"exit_status", "exit_status=-0\n"},
      {"exit_status", "exit_status=00\n"},
      {"exit_status", "exit_status=\n"},
      {"exit_status", "exit_status=0\nexit_status=3\n"},
      {"uptime", "uptime=nan\n"},
      {"uptime", "uptime=inf\n"},
      {"uptime", "uptime=-1\n"},
      {"uptime", "uptime=1e9\n"},
      {"boot_id", "boot_id=\n"},
      {"boot_id", "boot_id=b\"}\n"},
      {"directory_id", "directory_id=a b\n"},
      {"duration_ms", "duration_ms=-5\n"},
      {"output_bytes", "output_bytes=-1\n"},
      {"result", "result=fine\n"}};
  for (const auto& [field, line] : odd) {
    const RemoteReply reply = Read(With(field, line));
    ASSERT_FALSE(reply.receipt) << line;
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kOutcomeUnknown) << line;
    EXPECT_THAT(reply.receipt.error().message, HasSubstr(field)) << line;
  }
}

TEST(Protocol, QuotesAHostInOnePrintableSentence) {
  const RemoteReply reply =
      Read("mailhub-runner 1\nnonce=n\nresult=error\nerror=refused\nmessage=a\x1b[2J" +
           std::string(5'000, 'x') + "\noutput_bytes=0\n\n");
  ASSERT_FALSE(reply.receipt);
  EXPECT_THAT(reply.receipt.error().message, StartsWith("x500: a\\x1b[2Jx"));
  EXPECT_LT(reply.receipt.error().message.size(), 1'000U);
}

TEST(Protocol, MapsTheRunnersErrorsToKinds) {
  const auto kind = [](const std::string& error) {
    return Read("mailhub-runner 1\nnonce=n\nresult=error\nerror=" + error +
                "\nmessage=because\noutput_bytes=0\n\n")
        .receipt.error()
        .kind;
  };
  EXPECT_EQ(kind("refused"), ErrorKind::kRefused);
  EXPECT_EQ(kind("directory_changed"), ErrorKind::kCorrupt);
  EXPECT_EQ(kind("invalid"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("unavailable"), ErrorKind::kUnreachable);
  EXPECT_EQ(kind("unknown"), ErrorKind::kOutcomeUnknown);
  EXPECT_EQ(kind("internal"), ErrorKind::kInternal);
  EXPECT_EQ(kind("new-in-version-9"), ErrorKind::kInternal);
}

TEST(Protocol, MakesOutputValidUtf8) {
  const std::string raw = "a\xc3\xa9\xff\xc3(\xe2\x82\xac\xed\xa0\x80\x80";
  const RemoteReply reply = Read(
      "mailhub-runner 1\nnonce=n\nresult=ok\ndirectory_id=d\nboot_id=b\nuptime=1.0\n"
      "state=running\noutput_bytes=" +
      std::to_string(raw.size()) + "\n\n" + raw);
  ASSERT_TRUE(reply.receipt);
  EXPECT_EQ(reply.receipt->output,
            "a\xc3\xa9?"
            "?(\xe2\x82\xac?"
            "?"
            "?"
            "?");
}

}  // namespace
}  // namespace mailhub::remote
