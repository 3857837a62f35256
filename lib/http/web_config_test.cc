// TLS through the real server and client, with certificates made for the test.
#include "lib/http/web_config.h"

#include <crypt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "lib/http/client.h"
#include "lib/http/server.h"
#include "lib/http/testing_http.h"
#include "lib/http/token_bucket.h"

namespace mailhub::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Cheap on purpose: no attacker here.
std::string Bcrypt(const std::string& password) {
  return crypt(password.c_str(), "$2y$04$abcdefghijklmnopqrstuu");
}

class WebConfigTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    certificates_ = new TempDir();
    MakeCertificate(*certificates_, "ca");
    MakeCertificate(*certificates_, "server", "ca");
    MakeCertificate(*certificates_, "client", "ca");
    MakeCertificate(*certificates_, "other");
  }
  static void TearDownTestSuite() { delete certificates_; }

  static std::string Certificate(const std::string& name) { return certificates_->Path(name); }
  void Copy(const std::string& from, const std::string& to) const {
    for (const char* part : {".crt", ".key"}) {
      std::filesystem::copy_file(Certificate(from) + part, directory_.Path(to + part),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  // Replaces the file as an editor does, so that it counts as another file even within the clock's
  // resolution.
  void Replace(const std::string& text) const {
    std::filesystem::rename(directory_.Write("new", text), directory_.Path("web.yml"));
  }
  std::shared_ptr<WebConfig> Loaded(const std::string& text) const {
    auto config = WebConfig::Load(directory_.Write("web.yml", text));
    EXPECT_TRUE(config.has_value()) << config.error().message;
    return config ? *config : nullptr;
  }
  Error LoadError(const std::string& text) const {
    auto config = WebConfig::Load(directory_.Write("web.yml", text));
    EXPECT_FALSE(config.has_value()) << text;
    return config ? Error{} : config.error();
  }
  void Serve(const std::shared_ptr<WebConfig>& config) {
    ServerOptions options;
    options.web_config = config;
    server_ = std::make_unique<Server>(options);
    server_->Handle("GET", "/user",
                    [](const Request& request) { return TextResponse(200, request.user); });
    const Status started = server_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  Result<HttpResponse> Ask(const ClientOptions& options,
                           const std::string& scheme = "https") const {
    return Client(options).Get(scheme + "://127.0.0.1:" + std::to_string(server_->Port()) +
                               "/user");
  }
  static ClientOptions Trusting(const std::string& ca, const std::string& own = "") {
    ClientOptions options;
    options.ca_file = Certificate(ca) + ".crt";
    if (!own.empty()) {
      options.cert_file = Certificate(own) + ".crt";
      options.key_file = Certificate(own) + ".key";
    }
    return options;
  }
  static std::string TlsText(const std::string& more = "") {
    return "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n" + more;
  }

  static TempDir* certificates_;
  TempDir directory_;
  std::unique_ptr<Server> server_;
};
TempDir* WebConfigTest::certificates_ = nullptr;

TEST_F(WebConfigTest, AnEmptyMapAsksForNothing) {
  auto config = Loaded("basic_auth_users: {}\n");
  EXPECT_FALSE(config->UsesTls());
  EXPECT_FALSE(config->RequiresLogin());
  EXPECT_EQ(config->Authenticate("").value(), "");
}

TEST_F(WebConfigTest, RefusesMistakesWithTheirPlace) {
  Copy("server", "server");
  EXPECT_THAT(LoadError("basic_auth_users: {}\ntls_sever_config: {}\n").message,
              HasSubstr("web.yml:2:1"));
  EXPECT_THAT(LoadError(TlsText("  min_version: TLS10\n")).message, HasSubstr("web.yml:4:16"));
  EXPECT_THAT(LoadError(TlsText("  cipher_suites: [ROT13]\n")).message, HasSubstr("ROT13"));
  for (const char* like_one :
       {"TLS_AES_1024", "TLS_CHACHA20_X", "ALL", "NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256",
        "ADH-AES128-SHA", "LOW", "DEFAULT", "ECDHE", "AES128-SHA-X", "-AES128-SHA"}) {
    EXPECT_THAT(LoadError(TlsText(std::string("  cipher_suites: [AES128-SHA, ") + like_one + "]\n"))
                    .message,
                HasSubstr(std::string("cipher_suites[1]: unknown name ") + like_one));
  }
  EXPECT_THAT(LoadError(TlsText("  client_auth_type: Sometimes\n")).message,
              HasSubstr("RequireAndVerifyClientCert"));
  EXPECT_THAT(LoadError(TlsText("  client_auth_type: RequireAndVerifyClientCert\n")).message,
              HasSubstr("client_ca_file"));
  EXPECT_THAT(LoadError("tls_server_config: {cert_file: server.crt}\n").message,
              HasSubstr("key_file"));
  for (const char* value : {"\"deny\\r\\nSet-Cookie: a\"", "\"deny\\n\"", "\"d\\u00e9ny\""}) {
    EXPECT_THAT(
        LoadError(std::string("http_server_config: {headers: {X-Frame-Options: ") + value + "}}\n")
            .message,
        HasSubstr("X-Frame-Options: expected one line of printable ASCII"));
  }
  EXPECT_THAT(LoadError("http_server_config: {headers: {X-Frame-Options: allow}}\n").message,
              HasSubstr("expected deny or sameorigin"));
  EXPECT_THAT(LoadError("http_server_config: {headers: {X-Content-Type-Options: x}}\n").message,
              HasSubstr("expected nosniff"));
  EXPECT_THAT(LoadError("http_server_config: {headers: {Server: x}}\n").message,
              HasSubstr("Server"));
  EXPECT_THAT(LoadError("basic_auth_users:\n  joe: secret\n").message, HasSubstr("bcrypt"));
  EXPECT_THAT(
      LoadError("basic_auth_users:\n  joe: " + Bcrypt("x").replace(4, 2, "31") + "\n").message,
      HasSubstr("cost"));
  EXPECT_EQ(WebConfig::Load(directory_.Path("absent.yml")).error().kind, ErrorKind::kNotFound);
}

TEST_F(WebConfigTest, RefusesCertificatesThatCannotWork) {
  Copy("server", "server");
  std::filesystem::copy_file(Certificate("other.key"), directory_.Path("server.key"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(LoadError(TlsText()).message, HasSubstr("does not belong"));
  directory_.Write("server.crt", "nothing");
  EXPECT_THAT(LoadError(TlsText()).message, HasSubstr("no certificate"));
  Copy("server", "server");
  for (const char* file : {"server.key", "server.crt"}) {
    std::filesystem::remove(directory_.Path(file));
    ASSERT_EQ(mkfifo(directory_.Path(file).c_str(), 0600), 0);
    EXPECT_THAT(LoadError(TlsText()).message, HasSubstr(file)) << "a pipe is not waited for";
  }
}

TEST_F(WebConfigTest, AdmitsOnlyClientsWithThePassword) {
  Serve(Loaded("basic_auth_users:\n  joe: " + Bcrypt("secret") + "\n"));
  ClientOptions options;
  const auto status = [&](const std::string& user, const std::string& password) {
    options.basic_user = user;
    options.basic_password = password;
    auto response = Ask(options, "http");
    EXPECT_TRUE(response.has_value());
    return response ? response->status : 0;
  };
  EXPECT_EQ(status("", ""), 401);
  EXPECT_EQ(status("joe", "wrong"), 401);
  EXPECT_EQ(status("jim", "secret"), 401);
  EXPECT_EQ(status("joe", "secret"), 200);
  EXPECT_EQ(status("joe", "secret"), 200) << "remembered";
  EXPECT_EQ(Ask(options, "http")->body, "joe\n");
  options.basic_user = "joe";
  options.basic_password = "wrong";
  EXPECT_EQ(Ask(options, "http")->Header("www-authenticate"), "Basic realm=\"mailhub\"");
}

TEST_F(WebConfigTest, RefusesAHeaderThatIsNoProof) {
  auto config = Loaded("basic_auth_users:\n  joe: " + Bcrypt("secret") + "\n");
  for (const char* header :
       {"", "Basic", "Basic ", "Basic !!!!", "Basic am9l",
        "Bearer am9lOnNlY3JldA==", "Basic am9lOnNlY3JldAAx" /* joe:secret NUL 1 */}) {
    auto user = config->Authenticate(header);
    ASSERT_FALSE(user.has_value()) << header;
    EXPECT_EQ(user.error().kind, ErrorKind::kRefused);
  }
  EXPECT_EQ(config->Authenticate("basic am9lOnNlY3JldA==").value(), "joe");
}

TEST_F(WebConfigTest, FollowsTheFileAndKeepsTheOldOneWhenItBreaks) {
  auto config = Loaded("basic_auth_users:\n  joe: " + Bcrypt("secret") + "\n");
  const std::string joe = "Basic am9lOnNlY3JldA==";
  EXPECT_TRUE(config->Authenticate(joe).has_value());
  Replace("basic_auth_users:\n  joe: " + Bcrypt("changed") + "\n");
  EXPECT_FALSE(config->Authenticate(joe).has_value()) << "a remembered password goes with its hash";
  Replace("basic_auth_users:\n  joe: " + Bcrypt("secret") + "\n");
  EXPECT_TRUE(config->Authenticate(joe).has_value());
  Replace("basic_auth_users: [oops]\n");
  EXPECT_TRUE(config->Authenticate(joe).has_value());
  EXPECT_FALSE(config->Authenticate("").has_value());
  Copy("server", "server");
  Replace(TlsText());
  EXPECT_FALSE(config->Authenticate("").has_value())
      << "TLS cannot be switched on, so the old file counts";
}

// The base64 of "ann:maybe", "ann:no" and "ann:nay".
constexpr const char* kFresh = "Basic YW5uOm1heWJl";
constexpr std::array<const char*, 2> kTried{"Basic YW5uOm5v", "Basic YW5uOm5heQ=="};

TEST(WebConfig, LetsNoGuessingClientDelayOtherLogins) {
  const TempDir directory;
  const std::string hash = "$2y$08$" + std::string(53, 'a');
  const std::string file = directory.Write("web.yml", "basic_auth_users: {ann: " + hash + "}\n");
  const auto config = WebConfig::Load(file).value();
  const SteadyTime before = BootClock::now();
  static_cast<void>(config->Authenticate(kTried[0], "192.0.2.1"));
  const Milliseconds one_hash = BootClock::now() - before;
  std::atomic<bool> enough = false;
  std::vector<std::jthread> flood;
  // As many as may wait: refused ones would only use the processor.
  for (size_t i = 0; i < 8; ++i) {
    flood.emplace_back([&, password = kTried[i % 2]] {
      while (!enough) static_cast<void>(config->Authenticate(password, "192.0.2.1"));
    });
  }
  constexpr int kLogins = 3;
  const SteadyTime start = BootClock::now();
  for (int i = 0; i < kLogins; ++i) {
    const auto fresh = config->Authenticate(kFresh, "192.0.2.2");
    EXPECT_EQ(fresh.error().kind, ErrorKind::kRefused) << "hashed, not turned away";
  }
  enough = true;
  // Each waits for two others and for its own, on a machine that may be busy.
  EXPECT_LT(BootClock::now() - start, kLogins * 3 * 2 * (one_hash + Milliseconds(20)));
}

TEST(WebConfig, HashesAPasswordOnceForManyCallers) {
  const TempDir directory;
  const std::string file =
      directory.Write("web.yml", "basic_auth_users: {joe: $2y$10$" + std::string(53, 'a') + "}\n");
  const auto config = WebConfig::Load(file).value();
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> scrapes(8);
    for (std::jthread& one : scrapes) {
      one = std::jthread([&] {
        const auto user = config->Authenticate("Basic am9lOnNlY3JldA==", "192.0.2.1");
        if (user.error().kind == ErrorKind::kRefused) ++refused;
      });
    }
  }
  EXPECT_EQ(refused, 8) << "nobody is turned away";
}

TEST_F(WebConfigTest, AddsTheConfiguredHeaders) {
  Serve(
      Loaded("http_server_config:\n  http2: false\n  headers: {X-Frame-Options: deny, "
             "X-Content-Type-Options: nosniff}\n"));
  auto response = Ask({}, "http");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->Header("x-frame-options"), "deny");
  EXPECT_EQ(response->Header("x-content-type-options"), "nosniff");
}

TEST_F(WebConfigTest, SpeaksTlsWithTheCertificateThatIsOnDiskNow) {
  Copy("server", "server");
  auto config = Loaded(TlsText());
  EXPECT_TRUE(config->UsesTls());
  Serve(config);
  auto response = Ask(Trusting("ca"));
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(Ask(Trusting("other")).error().kind, ErrorKind::kRefused);
  EXPECT_FALSE(Ask({}, "http").has_value()) << "no answer to plain HTTP";
  Copy("other", "server");
  EXPECT_TRUE(Ask(Trusting("other")).has_value());
  EXPECT_EQ(Ask(Trusting("ca")).error().kind, ErrorKind::kRefused);
  directory_.Write("server.key", "broken");
  EXPECT_TRUE(Ask(Trusting("other")).has_value()) << "the old one stays";
}

TEST_F(WebConfigTest, AsksForAClientCertificateAndChecksItsSigner) {
  Copy("server", "server");
  const std::string ca = "  client_ca_file: " + Certificate("ca") + ".crt\n";
  auto config = Loaded(TlsText(ca + "  client_auth_type: RequireAndVerifyClientCert\n"));
  EXPECT_TRUE(config->RequiresClientCertificate());
  Serve(config);
  EXPECT_TRUE(Ask(Trusting("ca", "client")).has_value());
  EXPECT_FALSE(Ask(Trusting("ca")).has_value());
  EXPECT_FALSE(Ask(Trusting("ca", "other")).has_value());
  Replace(TlsText(ca + "  client_auth_type: VerifyClientCertIfGiven\n"));
  EXPECT_TRUE(Ask(Trusting("ca")).has_value());
  EXPECT_FALSE(Ask(Trusting("ca", "other")).has_value());
  Replace(TlsText("  client_auth_type: RequireAnyClientCert\n"));
  EXPECT_TRUE(Ask(Trusting("ca", "other")).has_value());
  EXPECT_FALSE(Ask(Trusting("ca")).has_value());
}

TEST_F(WebConfigTest, TakesCertificatesAsText) {
  const auto block = [](const std::string& name, const std::string& file) {
    std::ifstream in(file);
    std::string text = "  " + name + ": |\n";
    for (std::string line; std::getline(in, line);) text += "    " + line + "\n";
    return text;
  };
  const std::string cert = block("cert", Certificate("server.crt"));
  const std::string key = block("key", Certificate("server.key"));
  const std::string ca = block("client_ca", Certificate("ca.crt"));
  Serve(Loaded("tls_server_config:\n" + cert + key + ca +
               "  client_auth_type: RequireAndVerifyClientCert\n"));
  EXPECT_TRUE(Ask(Trusting("ca", "client")));
  EXPECT_FALSE(Ask(Trusting("ca", "other")));
  Copy("server", "server");
  Replace("tls_server_config:\n  key_file: server.key\n" + cert);
  EXPECT_TRUE(Ask(Trusting("ca"))) << "one as text, one as a file";
  const auto refused = [this](const std::string& text) {
    return LoadError("tls_server_config:\n" + text).message;
  };
  EXPECT_THAT(refused(cert), HasSubstr("needs cert_file and key_file, or their text"));
  EXPECT_THAT(refused(cert + "  cert_file: server.crt\n" + key),
              HasSubstr("tls_server_config.cert: expected either the text here or cert_file"));
  EXPECT_THAT(refused(cert + key + "  key_file: server.key\n"), HasSubstr("key_file, not both"));
  EXPECT_THAT(refused(cert + key + ca), HasSubstr("need a client_auth_type that verifies"));
  const std::string wrong = refused(cert + block("key", Certificate("other.key")));
  EXPECT_THAT(wrong, AllOf(HasSubstr("web.yml:"), HasSubstr(": key: does not belong")));
  EXPECT_THAT(wrong, Not(HasSubstr("BEGIN")));
  EXPECT_THAT(refused("  cert: nothing\n" + key),
              HasSubstr("web.yml:2:9: cert: has no certificate"));
}

TEST_F(WebConfigTest, AdmitsOnlyClientsWithAnAllowedName) {
  Copy("server", "server");
  MakeCertificate(*certificates_, "named", "ca",
                  "DNS:a.example.org,email:m@example.org,URI:spiffe://a/b,IP:10.0.0.7,IP:::7");
  const std::string verified = "  client_ca_file: " + Certificate("ca") +
                               ".crt\n  client_auth_type: RequireAndVerifyClientCert\n";
  const auto admits = [&](const std::string& names, const std::string& client,
                          const std::string& type) {
    Replace(TlsText(type + "  client_allowed_sans: [" + names + "]\n"));
    return Ask(Trusting("ca", client)).has_value();
  };
  Serve(Loaded(TlsText(verified)));
  for (const char* name :
       {"a.example.org", "m@example.org", "\"spiffe://a/b\"", "10.0.0.7", "\"::7\""}) {
    EXPECT_TRUE(admits(std::string("x, ") + name, "named", verified)) << name;
    EXPECT_FALSE(admits(std::string("x, ") + name, "client", verified)) << name;
  }
  EXPECT_FALSE(admits("example.org, A.example.org, named, \"*.example.org\"", "named", verified));
  EXPECT_FALSE(admits("127.0.0.1", "other", verified)) << "the right name from another signer";
  const std::string any = "  client_auth_type: RequireAnyClientCert\n";
  EXPECT_TRUE(admits("127.0.0.1", "other", any));
  EXPECT_FALSE(admits("127.0.0.2", "other", any));
  EXPECT_FALSE(admits("127.0.0.1", "", any));
  for (const char* type : {"NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven"}) {
    const std::string ca = std::string(type) == "VerifyClientCertIfGiven"
                               ? "  client_ca_file: " + Certificate("ca") + ".crt\n"
                               : "";
    EXPECT_THAT(
        LoadError(TlsText(ca + "  client_auth_type: " + type + "\n  client_allowed_sans: [a]\n"))
            .message,
        HasSubstr("client_allowed_sans: needs the client_auth_type"))
        << type;
  }
  EXPECT_THAT(LoadError(TlsText(verified + "  client_allowed_sans: []\n")).message,
              HasSubstr("expected at least one name"));
}

TEST_F(WebConfigTest, LimitsTheRateOfRequests) {
  const auto status = [this] {
    const auto answer = Ask({}, "http");
    return answer ? answer->status : 0;
  };
  Serve(Loaded("rate_limit: {interval: 1h, burst: 2}\n"));
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(status(), 200);
  const auto refused = Ask({}, "http");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->Header("retry-after"), "1");
  Replace("rate_limit: {interval: 0s}\n");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(), 200);
  for (const char* wrong :
       {"{interval: 1s}", "{burst: 1}", "{interval: 1s, burst: 0}", "{interval: -1s, burst: 1}",
        "{interval: 1s, burst: 1, x: 1}", "{interval: soon, burst: 1}"}) {
    EXPECT_THAT(LoadError(std::string("rate_limit: ") + wrong + "\n").message,
                HasSubstr("web.yml:1:"))
        << wrong;
  }
}

TEST(TokenBucket, EarnsOneTokenEachIntervalUpToTheBurst) {
  const RateLimit limit{Milliseconds(100), 3};
  TokenBucket bucket;
  SteadyTime now{Milliseconds(1'000'000)};
  const auto taken = [&] {
    int count = 0;
    while (count < 10 && bucket.Take(limit, now)) ++count;
    return count;
  };
  EXPECT_EQ(taken(), 3);
  now += Milliseconds(99);
  EXPECT_EQ(taken(), 0);
  now += Milliseconds(1);
  EXPECT_EQ(taken(), 1);
  now += Milliseconds(250);
  EXPECT_EQ(taken(), 2);
  now += Milliseconds(50);
  EXPECT_EQ(taken(), 1) << "the half is kept";
  now += std::chrono::hours(1);
  EXPECT_EQ(taken(), 3);
}

TEST_F(WebConfigTest, KeepsToTheConfiguredVersionsAndCiphers) {
  Copy("server", "server");
  Serve(Loaded(TlsText(
      "  min_version: TLS12\n  max_version: TLS12\n  prefer_server_cipher_suites: true\n"
      "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDHE-ECDSA-AES256-GCM-SHA384]\n"
      "  curve_preferences: [CurveP256, X25519]\n")));
  const std::string try_tls =
      "openssl s_client -connect 127.0.0.1:" + std::to_string(server_->Port()) +
      " </dev/null >/dev/null 2>&1 ";
  const auto works = [&](const std::string& options) {
    return std::system((try_tls + options).c_str()) == 0;
  };
  EXPECT_TRUE(works("-tls1_2"));
  EXPECT_TRUE(works("-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"));
  EXPECT_FALSE(works("-tls1_3"));
  EXPECT_FALSE(works("-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305"));
  EXPECT_FALSE(works("-tls1_2 -curves P-521"));
}

TEST_F(WebConfigTest, StopsPromptlyWithTlsClientsConnected) {
  Copy("server", "server");
  Serve(Loaded(TlsText()));
  Client client(Trusting("ca"));
  const std::string url = "https://127.0.0.1:" + std::to_string(server_->Port()) + "/user";
  ASSERT_TRUE(client.Get(url).has_value());
  ASSERT_TRUE(client.Get(url).has_value());
  const auto start = std::chrono::steady_clock::now();
  server_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace mailhub::http
