// The evaluator's readings for Prometheus's answers, good and bad, and the number of its queries.
// The server here is a fake; prometheus_lab_test.cc asks a real one.
#include "actuator/condition/gate_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lib/base/guarded.h"
#include "lib/http/server.h"

namespace mailhub::condition {
namespace {

using engine::GateState;
using ::testing::HasSubstr;

class TickingClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(now); }
  SteadyTime Steady() const override { return SteadyTime(now); }
  Milliseconds now{1'000'000};
};

constexpr char kTargets[] =
    R"({"status":"success","data":{"activeTargets":[
      {"labels":{"instance":"server","job":"mailhub"},"scrapeInterval":"1s"},
      {"labels":{"instance":"server","job":"other"},"scrapeInterval":"1ms"}]}})";

// Evidence that opens a gate about `server`.
std::string Fresh() {
  const auto part = [](const std::string& name, const std::string& value,
                       const std::string& more = "") {
    return R"({"metric":{"instance":"server","mailhub_gate_part":")" + name + "\"" + more +
           R"(},"value":[1700000000.5,")" + value + "\"]},";
  };
  return part("condition", "1") + part("left", "1") + part("alive", "1") + part("probes", "1") +
         part("counts", "60") + part("boot", "1", R"(,"boot_id":"b")") + part("uptime", "101") +
         part("boots", "60", R"(,"boot_id":"b")") + part("now", "110") + part("back", "0") +
         part("first", "2") + part("uptimes", "60") +
         part("collectors", "1", R"(,"collector":"processes")") +
         part("collectors", "1", R"(,"collector":"host")");
}

std::string Vector(std::string samples) {
  if (samples.ends_with(',')) samples.pop_back();
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + samples + "]}}";
}

std::string Form(const http::Request& request, const std::string& name) {
  const std::string form = "&" + request.body;
  const size_t at = form.find("&" + name + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 2;
  return form.substr(begin, form.find('&', begin) - begin);
}

struct Answers {
  http::Response targets = http::TextResponse(200, kTargets);
  http::Response range = http::TextResponse(200, "");
  std::function<http::Response(const http::Request&)> query;
  int asked_targets = 0;
  int asked_query = 0;
  int asked_range = 0;
  std::string range_start, range_end, range_step;
};

class Evaluator : public ::testing::Test {
 protected:
  void SetUp() override {
    answers_.With([](Answers& answers) {
      answers.query = [](const http::Request&) { return http::TextResponse(200, Vector(Fresh())); };
    });
    server_.Handle("GET", "/api/v1/targets", [this](const http::Request&) {
      return answers_.With([](Answers& answers) {
        ++answers.asked_targets;
        return answers.targets;
      });
    });
    server_.Handle("POST", "/api/v1/query", [this](const http::Request& request) {
      return answers_.With([&](Answers& answers) {
        ++answers.asked_query;
        return answers.query(request);
      });
    });
    server_.Handle("POST", "/api/v1/query_range", [this](const http::Request& request) {
      return answers_.With([&](Answers& answers) {
        ++answers.asked_range;
        answers.range_start = Form(request, "start");
        answers.range_end = Form(request, "end");
        answers.range_step = Form(request, "step");
        return answers.range;
      });
    });
    ASSERT_TRUE(server_.Start());
    options_.prometheus.url = "http://127.0.0.1:" + std::to_string(server_.Port());
    question_.gate.expr = "mailhub_process_running{instance=\"server\"} == 1 # a comment";
    question_.gate.about = {"server"};
    question_.gate.window = Milliseconds(60'000);
    question_.marks["server"] = {"b", 100};
  }

  void Answer(int status, const std::string& body) {
    answers_.With([&](Answers& answers) {
      answers.query = [=](const http::Request&) { return http::TextResponse(status, body); };
    });
  }
  engine::GateReading Ask() { return evaluator().Ask(question_); }
  GateEvaluator& evaluator() {
    if (!evaluator_) evaluator_ = std::make_unique<GateEvaluator>(options_, &clock_);
    return *evaluator_;
  }

  Guarded<Answers> answers_;
  http::Server server_{http::ServerOptions{}};
  TickingClock clock_;
  GateOptions options_;
  engine::GateQuestion question_;
  std::unique_ptr<GateEvaluator> evaluator_;
};

TEST_F(Evaluator, AsksOneQueryForConditionAndEvidenceTogether) {
  EXPECT_EQ(Ask().state, GateState::kOpen);
  EXPECT_EQ(Ask().state, GateState::kOpen);
  const Answers answers = answers_.Copy();
  EXPECT_EQ(answers.asked_query, 2);
  EXPECT_EQ(answers.asked_range, 0);
  EXPECT_EQ(answers.asked_targets, 1) << "intervals are kept for a minute";
  clock_.now += Milliseconds(60'000);
  Ask();
  EXPECT_EQ(answers_.Copy().asked_targets, 2);
}

TEST_F(Evaluator, TakesNoAnswerThatIsNestedDeep) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  Answer(200, R"({"status":"success","data":)" + deep + "}");
  const engine::GateReading reading = Ask();
  EXPECT_EQ(reading.state, GateState::kUnreachable);
  EXPECT_THAT(reading.why, HasSubstr("nested too deep"));
}

TEST_F(Evaluator, NeedsNoTargetsWhenTheIntervalIsConfigured) {
  options_.scrape_interval = Milliseconds(1'000);
  EXPECT_EQ(Ask().state, GateState::kOpen);
  EXPECT_EQ(answers_.Copy().asked_targets, 0);
}

TEST_F(Evaluator, AsksAgainForAHostThatPrometheusDidNotKnowYet) {
  answers_.With([](Answers& answers) {
    answers.targets =
        http::TextResponse(200, R"({"status":"success","data":{"activeTargets":[]}})");
  });
  EXPECT_THAT(Ask().why, HasSubstr("Prometheus does not scrape server"));
  Ask();
  EXPECT_EQ(answers_.Copy().asked_targets, 2) << "its pool, then all";
  answers_.With([](Answers& answers) { answers.targets = http::TextResponse(200, kTargets); });
  clock_.now += Milliseconds(2'000);
  EXPECT_EQ(Ask().state, GateState::kOpen);
}

TEST_F(Evaluator, AsksForTheWholeOfForBeforeTheSameInstant) {
  question_.gate.hold_for = Milliseconds(2'000);
  question_.gate.window = Milliseconds(10'000);
  answers_.With([](Answers& answers) {
    answers.range = http::TextResponse(
        200,
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[1.5,"1"],[2,"1"],[2.5,"1"],[3,"1"]]}]}})");
  });
  EXPECT_EQ(Ask().state, GateState::kOpen);
  const Answers answers = answers_.Copy();
  EXPECT_EQ(answers.range_start, "1699999998.500");
  EXPECT_EQ(answers.range_end, "1700000000.500");
  EXPECT_EQ(answers.range_step, "0.500");
}

TEST_F(Evaluator, IsShutWhenForIsNotFilled) {
  question_.gate.hold_for = Milliseconds(2'000);
  answers_.With([](Answers& answers) {
    answers.range = http::TextResponse(
        200, R"({"status":"success","data":{"resultType":"matrix","result":[]}})");
  });
  const auto reading = Ask();
  EXPECT_EQ(reading.state, GateState::kFalse);
  EXPECT_EQ(reading.value, 1.0) << "people still see the value";
}

TEST_F(Evaluator, DoesWithoutTheSidesWhereTheyDoNotStandAlone) {
  answers_.With([](Answers& answers) {
    answers.query = [](const http::Request& request) {
      if (request.body.find("%22left%22") == std::string::npos) {
        return http::TextResponse(200, Vector(Fresh()));
      }
      return http::TextResponse(400, R"({"status":"error","errorType":"bad_data","error":"no"})");
    };
  });
  EXPECT_EQ(Ask().state, GateState::kOpen);
  EXPECT_EQ(Ask().state, GateState::kOpen);
  EXPECT_EQ(answers_.Copy().asked_query, 3) << "remembered after the first time";
}

TEST_F(Evaluator, TellsARefusedExpressionFromAnAbsentPrometheus) {
  Answer(400, R"({"status":"error","errorType":"bad_data","error":"parse error at char 3"})");
  EXPECT_EQ(Ask().state, GateState::kInvalid);
  EXPECT_THAT(Ask().why, HasSubstr("parse error at char 3"));
  Answer(422, R"({"status":"error","errorType":"execution","error":"many-to-many"})");
  EXPECT_EQ(Ask().state, GateState::kStale);
  Answer(503, R"({"status":"error","errorType":"unavailable","error":"starting"})");
  EXPECT_EQ(Ask().state, GateState::kUnreachable);
  Answer(401, "Unauthorized");
  EXPECT_EQ(Ask().state, GateState::kUnreachable);
  EXPECT_THAT(Ask().why, HasSubstr("status 401"));
  server_.Stop();
  EXPECT_EQ(Ask().state, GateState::kUnreachable);
}

TEST_F(Evaluator, TakesAnAnswerOfAnotherShapeForNone) {
  for (
      const std::string body :
      {"", "{", "[]", "null", R"({"status":"success"})", R"({"status":"success","data":[]})",
       R"({"status":"success","data":{"resultType":"vector","result":[{}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":["x",1]}]}})"}) {
    Answer(200, body);
    EXPECT_EQ(Ask().state, GateState::kUnreachable) << body;
  }
}

// Thanos, Mimir and VictoriaMetrics give a partial answer when a store is away.
TEST_F(Evaluator, IsShutByAnAnswerThatIsNotWhole) {
  const auto with = [](const std::string& more) {
    std::string body = Vector(Fresh());
    body.insert(body.size() - 1, "," + more);
    return body;
  };
  for (const std::string more : {R"("warnings":["store a:10901 did not answer"])",
                                 R"("isPartial":true)", R"("infos":["PromQL info: ignored x"])"}) {
    Answer(200, with(more));
    EXPECT_EQ(Ask().state, GateState::kStale) << more;
    EXPECT_THAT(Ask().why, HasSubstr("the answer is not whole"));
  }
  Answer(200, with(R"~("isPartial":false,"warnings":[],"infos":["PromQL info: metric might not be)~"
                   R"~( a counter, name does not end in _total: \"a\" (1:6)"])~"));
  EXPECT_EQ(Ask().state, GateState::kOpen) << Ask().why;
  question_.gate.hold_for = Milliseconds(2'000);
  answers_.With([](Answers& answers) {
    answers.range = http::TextResponse(
        200,
        R"({"status":"success","warnings":["a"],"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[1.5,"1"],[2,"1"],[2.5,"1"],[3,"1"]]}]}})");
  });
  EXPECT_EQ(Ask().state, GateState::kStale);
}

TEST_F(Evaluator, AsksByGetWhereAProxyRefusesPost) {
  for (const int status : {403, 405}) {
    evaluator_.reset();
    Answer(status, "not here");
    int gets = 0;
    http::Server proxy{http::ServerOptions{}};
    proxy.Handle("POST", "/api/v1/query",
                 [&](const http::Request&) { return http::TextResponse(status, "no"); });
    proxy.Handle("GET", "/api/v1/query", [&](const http::Request& request) {
      ++gets;
      EXPECT_EQ(request.Query("nocache"), "1");
      return http::TextResponse(200, Vector(Fresh()));
    });
    ASSERT_TRUE(proxy.Start());
    options_.prometheus.url = "http://127.0.0.1:" + std::to_string(proxy.Port());
    options_.scrape_interval = Milliseconds(1'000);
    EXPECT_EQ(Ask().state, GateState::kOpen) << Ask().why;
    EXPECT_EQ(Ask().state, GateState::kOpen);
    EXPECT_GE(gets, 2);
  }
}

TEST_F(Evaluator, SendsTheHeadersThatTheServerNeeds) {
  options_.prometheus.headers = {{"X-Scope-OrgID", "mail"}};
  answers_.With([](Answers& answers) {
    answers.query = [](const http::Request& request) {
      return http::TextResponse(request.Header("x-scope-orgid") == "mail" ? 200 : 401,
                                Vector(Fresh()));
    };
  });
  EXPECT_EQ(Ask().state, GateState::kOpen) << Ask().why;
}

TEST_F(Evaluator, SaysWhatToSetWhereNoScrapeIntervalIsKnown) {
  const auto targets = [&](int status, const std::string& body) {
    evaluator_.reset();
    answers_.With([&](Answers& answers) { answers.targets = http::TextResponse(status, body); });
    const auto reading = Ask();
    EXPECT_EQ(reading.state, GateState::kUnreachable);
    EXPECT_THAT(reading.why, HasSubstr("set prometheus.scrape_interval in the actuator file"));
  };
  targets(404, "no such page");
  targets(200, R"({"status":"success","data":{"activeTargets":[
                 {"labels":{"instance":"server","job":"mailhub"}}]}})");
  targets(200, std::string(17 << 20, ' '));
}

TEST_F(Evaluator, TakesAnyJob) {
  options_.series.job = "other";
  question_.gate.window = Milliseconds(1'000);
  answers_.With([](Answers& answers) {
    answers.query = [](const http::Request& request) {
      EXPECT_THAT(request.body, HasSubstr("job%3D%22other%22"));
      EXPECT_THAT(request.body, ::testing::Not(HasSubstr("job%3D%22mailhub%22")));
      return http::TextResponse(200, Vector(""));
    };
  });
  EXPECT_THAT(Ask().why, HasSubstr("there is no current sample of server"));
}

TEST_F(Evaluator, RefusesARecordedNameWithoutAsking) {
  question_.gate.expr = "mailhub:idle:ratio > 0.9";
  EXPECT_EQ(Ask().state, GateState::kInvalid);
  EXPECT_EQ(answers_.Copy().asked_query, 0);
}

TEST_F(Evaluator, SaysWhetherAConditionIsStillTrue) {
  const auto holds = [&] { return evaluator().Ask(engine::QueryQuestion{"a > 1"}).holds; };
  Answer(200, Vector(R"({"metric":{},"value":[1,"0"]})"));
  EXPECT_TRUE(*holds());
  Answer(200, Vector(""));
  EXPECT_FALSE(*holds());
  Answer(200, Vector(R"({"metric":{},"value":[1,"NaN"]})"));
  EXPECT_FALSE(*holds());
  Answer(200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"1"]}})");
  EXPECT_EQ(holds().error().kind, ErrorKind::kInvalid);
  Answer(400, R"({"status":"error","errorType":"bad_data","error":"parse error"})");
  EXPECT_EQ(holds().error().kind, ErrorKind::kInvalid);
  Answer(500, "");
  EXPECT_EQ(holds().error().kind, ErrorKind::kUnreachable);
}

}  // namespace
}  // namespace mailhub::condition
