// The site file: what it says is read, and each mistake is told with its place.
#include "lib/config/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kHead[] =
    "ssh: {user: root, known_hosts: known_hosts, exporter_key: keys/exporter}\n";

Result<Site> Parse(const std::string& rest) {
  return ParseSite(kHead + rest, "/etc/mailhub/site.yml");
}

std::string Mistake(const std::string& rest) {
  auto site = Parse(rest);
  return site ? "no mistake" : site.error().message;
}

// The mistake in a host whose fields are `fields`, each on lines of its own, indented by four.
std::string HostMistake(const std::string& fields) {
  return Mistake("hosts:\n  x500:\n    address: 10.0.0.1\n" + fields);
}

TEST(Site, ReadsEverythingTheExporterLooksAt) {
  auto site = Parse(R"(
groups:
  hubs: [hub2, hub1]
hosts:
  x500:
    address: 10.0.0.1
    port: 2222
    processes:
      eddy: {exe: /opt/isode.eddy, args_lack: "-D /root"}
      qubRA: {exe: /opt/qubRA, args_contain: "-x"}
    threads:
      qubRA: [student, UNS]
    directories:
      deltas: {path: /var/spool/deltas}
    ports:
      directory: 17003
    checks:
      entries: {command: "wc -l <f", timeout: 500ms}
    commands:
      stop: /opt/ractl stop
  hub1: {address: hub1.example.org, user: watcher, services: {regclient: {}, old: {kind: sysv}, out: {unit: exim@out.service}}}
  hub2: {address: "fe80::1", old_algorithms: [ssh-rsa, 3des-cbc], files: {aliases: {path: /home/aliases}}}
  win-1: {address: 10.0.0.9, platform: windows, services: {MailboxCreation: {}, sql: {name: "MSSQL$X"}}}
)");
  ASSERT_TRUE(site) << site.error().message;
  const Host& host = *site->FindHost("x500");
  EXPECT_EQ(host.port, 2222);
  EXPECT_EQ(host.user, "root");
  EXPECT_EQ(host.processes.at("eddy").args_lack, "-D /root");
  EXPECT_EQ(host.processes.at("qubRA").args_contain, "-x");
  EXPECT_THAT(host.threads.at("qubRA"), ElementsAre("student", "UNS"));
  EXPECT_EQ(host.directories.at("deltas"), "/var/spool/deltas");
  EXPECT_EQ(host.ports.at("directory"), 17003);
  EXPECT_EQ(host.checks.at("entries").timeout, Milliseconds(500));
  EXPECT_EQ(host.commands.at("stop"), "/opt/ractl stop");
  EXPECT_EQ(site->FindHost("hub1")->user, "watcher");
  EXPECT_EQ(site->FindHost("hub1")->services.at("regclient").kind, ServiceKind::kSystemd);
  EXPECT_EQ(site->FindHost("hub1")->services.at("old").kind, ServiceKind::kSysv);
  EXPECT_EQ(site->FindHost("hub1")->services.at("out").name, "exim@out.service");
  EXPECT_EQ(site->FindHost("win-1")->services.at("sql").name, "MSSQL$X");
  EXPECT_EQ(site->FindHost("hub2")->files.at("aliases"), "/home/aliases");
  EXPECT_EQ(site->FindHost("hub2")->old_algorithms,
            (std::vector<std::string>{"ssh-rsa", "3des-cbc"}));
  EXPECT_EQ(site->FindHost("win-1")->services.at("MailboxCreation").kind, ServiceKind::kWindows);
  EXPECT_EQ(site->FindHost("nobody"), nullptr);
}

TEST(Site, KeepsAGroupInTheFilesOrder) {
  auto site = Parse("groups: {hubs: [b, a]}\nhosts: {a: {address: a}, b: {address: b}}\n");
  ASSERT_TRUE(site);
  EXPECT_THAT(site->groups.at("hubs"), ElementsAre("b", "a"));
  EXPECT_TRUE(site->InGroup("a", "hubs"));
  EXPECT_FALSE(site->InGroup("a", "others"));
}

TEST(Site, TakesRelativePathsAsRelativeToTheFile) {
  auto site = Parse("hosts: {}\n");
  ASSERT_TRUE(site);
  EXPECT_EQ(site->known_hosts, "/etc/mailhub/known_hosts");
  EXPECT_EQ(site->exporter_key, "/etc/mailhub/keys/exporter");
  EXPECT_EQ(site->actuator_key, "");
}

TEST(Site, TellsWhereAnUnknownKeyStands) {
  EXPECT_THAT(HostMistake("    procesess: {}\n"),
              StartsWith("/etc/mailhub/site.yml:5:5: hosts.x500.procesess: unknown key"));
}

TEST(Site, RefusesWhatCannotBeALabelAPathOrAPort) {
  EXPECT_THAT(HostMistake("    ports: {1st: 80}\n"), HasSubstr("bad name"));
  EXPECT_THAT(HostMistake("    ports: {http: 65536}\n"), HasSubstr("1 to 65535"));
  EXPECT_THAT(HostMistake("    files: {a: {path: etc/passwd}}\n"), HasSubstr("absolute path"));
  EXPECT_THAT(HostMistake("    files: {a: {path: \"/a\\nb\"}}\n"), HasSubstr("control characters"));
  EXPECT_THAT(HostMistake("    processes: {p: {exe: eddy}}\n"), HasSubstr("absolute path"));
  EXPECT_THAT(HostMistake("    processes: {p: {}}\n"), HasSubstr("p.exe: missing"));
  EXPECT_THAT(HostMistake("    checks: {c: {command: \"a\\nb\"}}\n"), HasSubstr("control"));
  EXPECT_THAT(HostMistake("    checks: {c: {command: a, timeout: 2m}}\n"), HasSubstr("10ms to 1m"));
  EXPECT_THAT(HostMistake("    platform: solaris\n"), HasSubstr("linux, posix or windows"));
  EXPECT_THAT(HostMistake("    runner: free\n"), HasSubstr("uploaded or installed"));
  EXPECT_THAT(HostMistake("    port: ssh\n"), HasSubstr("hosts.x500.port"));
  EXPECT_THAT(Mistake("hosts: {-oProxy: {address: a}}\n"), HasSubstr("bad host name"));
  EXPECT_THAT(Mistake("hosts: {a: {address: \"-oProxy\"}}\n"), HasSubstr("IP address"));
}

TEST(Site, RefusesNamesThatNobodyDefines) {
  EXPECT_THAT(Mistake("groups: {hubs: [hub9]}\nhosts: {a: {address: a}}\n"),
              HasSubstr("no host \"hub9\""));
  EXPECT_THAT(HostMistake("    threads: {qubRA: [student]}\n"), HasSubstr("this host's processes"));
  EXPECT_THAT(HostMistake("    processes: {p: {exe: /p}}\n    threads: {p: [sixteen-letters!]}\n"),
              HasSubstr("15 characters"));
}

TEST(Site, ReadsTheNamesThatOthersGiveAHost) {
  auto site = Parse(
      "hosts:\n"
      "  hub2: {address: hub2.example.org, aliases: [HUB2, 'hub2.example.org:9100', '[::1]:22']}\n"
      "  hub1: {address: a}\n");
  ASSERT_TRUE(site) << site.error().message;
  EXPECT_THAT(site->hosts.at("hub2").aliases,
              ElementsAre("HUB2", "hub2.example.org:9100", "[::1]:22"));
  EXPECT_EQ(site->HostCalled("HUB2"), site->FindHost("hub2"));
  EXPECT_EQ(site->HostCalled("hub2"), site->FindHost("hub2"));
  EXPECT_EQ(site->HostCalled("Hub2"), nullptr) << "what is not declared is not guessed";
}

TEST(Site, RefusesANameThatCouldMeanTwoHostsWithBothLines) {
  const auto two = [](const std::string& first, const std::string& second) {
    return Mistake("groups: {hubs: [a, b]}\nhosts:\n  a: {address: a, aliases: [" + first +
                   "]}\n  b: {address: b, aliases: [" + second + "]}\n");
  };
  EXPECT_EQ(two("x", "y"), "no mistake");
  EXPECT_EQ(two("x", "x"),
            "/etc/mailhub/site.yml:5:29: hosts.b.aliases[0]: \"x\" is an alias in line 4 already; "
            "an alias names one host");
  EXPECT_EQ(two("b", "y"),
            "/etc/mailhub/site.yml:4:29: hosts.a.aliases[0]: \"b\" is a host's name, in line 5; an "
            "alias is another name");
  EXPECT_EQ(
      two("x", "hubs"),
      "/etc/mailhub/site.yml:5:29: hosts.b.aliases[0]: \"hubs\" is a group's name, in line 2; "
      "an alias is another name");
  EXPECT_THAT(two("x, x", "y"), HasSubstr("\"x\" is an alias in line 4 already"));
  EXPECT_THAT(two("'a b'", "y"), HasSubstr("expected another name of this host"));
  EXPECT_THAT(HostMistake("    aliases: HUB\n"), HasSubstr("expected a list of texts"));
}

TEST(Site, RefusesAnAddressThatCouldNeverBeConnectedTo) {
  EXPECT_THAT(Mistake("hosts: {my_host: {address: my host}}\n"),
              HasSubstr("hosts.my_host.address: expected an IP address or a host name of letters, "
                        "digits, dots, _ and -, found \"my host\""));
  EXPECT_EQ(Mistake("hosts: {my_host: {address: my_host}}\n"), "no mistake");
}

TEST(Site, RefusesWhatAPlatformCannotShow) {
  EXPECT_THAT(HostMistake("    platform: windows\n    processes: {p: {exe: /p}}\n"),
              HasSubstr("windows host"));
  EXPECT_THAT(
      HostMistake("    platform: posix\n    processes: {p: {exe: /p}}\n    threads: {p: [t]}\n"),
      HasSubstr("threads' names"));
  EXPECT_THAT(HostMistake("    services: {s: {kind: windows}}\n"), HasSubstr("platform linux"));
  EXPECT_THAT(HostMistake("    services: {s: {kind: upstart}}\n"), HasSubstr("systemd, sysv"));
  EXPECT_THAT(HostMistake("    services: {s: {unit: exim@out}}\n"), HasSubstr("its suffix"));
  EXPECT_THAT(HostMistake("    services: {s: {unit: \"a b.service\"}}\n"), HasSubstr("its suffix"));
  EXPECT_THAT(HostMistake("    services: {s: {unit: -H.service}}\n"), HasSubstr("its suffix"));
  EXPECT_THAT(HostMistake("    services: {s: {unit: exim@.service}}\n"), HasSubstr("a template"));
  EXPECT_THAT(HostMistake("    services: {s: {unit: \"@x.service\"}}\n"), HasSubstr("its suffix"));
  EXPECT_THAT(HostMistake("    services: {s: {name: x}}\n"), HasSubstr("here: unit"));
  EXPECT_THAT(HostMistake("    services: {s: {kind: sysv, name: ../x}}\n"), HasSubstr("letters"));
}

TEST(Site, NamesTheOldAlgorithmsThatAHostMayBeOffered) {
  EXPECT_THAT(HostMistake("    old_algorithms: ssh-rsa\n"), HasSubstr("1 to 10 algorithms"));
  EXPECT_THAT(HostMistake("    old_algorithms: []\n"), HasSubstr("1 to 10 algorithms"));
  EXPECT_THAT(HostMistake("    old_algorithms: [ssh-dss]\n"), HasSubstr("expected one of ssh-rsa"));
  EXPECT_THAT(HostMistake("    old_algorithms: [\"aes128-cbc,none\"]\n"),
              HasSubstr("expected one of ssh-rsa"));
  EXPECT_THAT(HostMistake("    old_algorithms: [ssh-rsa, ssh-rsa]\n"), HasSubstr("duplicate name"));
}

TEST(Site, HasAtMostAThousandHosts) {
  std::string hosts = "hosts:\n";
  for (int i = 0; i < 1000; ++i) hosts += "  h" + std::to_string(i) + ": {address: a}\n";
  EXPECT_TRUE(Parse(hosts));
  EXPECT_THAT(Mistake(hosts + "  more: {address: a}\n"), HasSubstr("more than 1000 hosts"));
}

TEST(Site, NeedsAKnownHostsFile) {
  auto site = ParseSite("ssh: {user: root}\nhosts: {}\n", "site.yml");
  ASSERT_FALSE(site);
  EXPECT_THAT(site.error().message, HasSubstr("known_hosts: missing"));
}

}  // namespace
}  // namespace mailhub::config
