// The verdict on a host key must equal OpenSSH's: ssh itself is asked about random files.
// MAILHUB_KNOWN_HOSTS_FILES: how many; MAILHUB_KNOWN_HOSTS_SEED: the first seed.
#include "lib/ssh/known_hosts.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "lib/base/base64.h"
#include "lib/base/digest.h"
#include "lib/ssh/testing_sshd.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr int kFiles = 100;

int FromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : otherwise;
}

std::string FirstWords(const std::string& path, int count) {
  std::ifstream file(path);
  std::string words;
  std::string word;
  for (int i = 0; i < count && file >> word; ++i) words += (words.empty() ? "" : " ") + word;
  return words;
}

// Host keys, made before the sshd that uses them.
class Keys {
 public:
  Keys() {
    std::string pattern = "/tmp/mailhub-keys-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
      for (const char* whose : {"host_", "other_"}) {
        const std::string make = "ssh-keygen -q -t " + std::string(type) + " -N '' -C test -f " +
                                 directory_ + "/" + whose + type;
        if (std::system(make.c_str()) != 0) std::abort();
      }
    }
  }
  ~Keys() { static_cast<void>(std::system(("rm -r " + directory_).c_str())); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  std::string Line(const std::string& name) const {
    return FirstWords(directory_ + "/" + name + ".pub", 2);
  }
  std::string Fingerprint(const std::string& name) const {
    const std::string file = directory_ + "/" + name + ".print";
    static_cast<void>(
        std::system(("ssh-keygen -l -f " + directory_ + "/" + name + ".pub >" + file).c_str()));
    return FirstWords(file, 2).substr(FirstWords(file, 1).size() + 1);
  }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Config() const {
    return "HostKey " + directory_ + "/host_ecdsa\nHostKey " + directory_ +
           "/host_rsa\nMaxStartups 1000\nLogLevel QUIET";
  }

 private:
  std::string directory_;
};

// A known_hosts file made up from a seed.
class MadeUp {
 public:
  MadeUp(unsigned seed, std::string address, int port, std::vector<std::string> keys)
      : random_(seed), address_(std::move(address)), port_(port), keys_(std::move(keys)) {}

  std::string Text() {
    std::string text;
    const int lines = Up(6);
    for (int i = 0; i <= lines; ++i) text += Line() + (OneIn(8) ? "\r\n" : "\n");
    if (OneIn(10)) text.pop_back();
    return text;
  }

 private:
  int Up(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  bool OneIn(int many) { return Up(many) == 0; }
  template <size_t n>
  std::string Any(const std::array<const char*, n>& words) {
    return words[static_cast<size_t>(Up(n))];
  }

  std::string Blank() { return OneIn(5) ? Any(std::array{"\t", "  ", " \t", "\t\t "}) : " "; }

  std::string Marker() {
    if (!OneIn(3)) return "";
    if (!OneIn(4)) return Any(std::array{"@revoked", "@revoked", "@cert-authority"}) + Blank();
    return Any(std::array{"@revoked", "@revoke", "@Revoked ", "@ revoked ", "@", "@ ",
                          "@revoked @revoked ", "@cert-authority @revoked ", "@revoked\t\t",
                          "@revoked-and-more-than-thirty-one-characters "});
  }

  std::string Name() {
    const std::string port = std::to_string(port_);
    switch (Up(12)) {
      case 0:
      case 1:
        return address_;
      case 2:
        return "[" + address_ + "]";
      case 3:
        return "*";
      case 4:
        return Any(
            std::array{"127.*", "[127.0.?.1]:*", "l*t", "LOCALHOST", "?*", "[*]:", "", "**"});
      case 5:
        return "[*]:" + port;
      case 6:
        return Any(std::array{"another.example.org", "10.0.0.1", "#", "[127.0.0.1]:1"});
      case 7:
        return OneIn(2) ? std::string(1023, '*') : std::string(1022, '*');
      case 8:
        return "[" + address_ + "]:" + (OneIn(3) ? "22" : port);
      default:
        return port_ == 22 ? address_ : "[" + address_ + "]:" + port;
    }
  }

  std::string Hashed() {
    std::string salt;
    for (int i = 0; i < (OneIn(10) ? 19 : 20); ++i) salt += static_cast<char>(Up(256));
    std::string hashed = "|" + Any(std::array{"1", "1", "1", "1", "1", "1", "2", ""}) + "|" +
                         EncodeBase64(salt) + "|" + EncodeBase64(HmacSha1(salt, Name()));
    if (OneIn(10)) hashed.pop_back();
    if (OneIn(10)) hashed += Any(std::array{"=", ",x", "|", "x"});
    return hashed;
  }

  std::string Names() {
    if (OneIn(5)) return Hashed();
    std::string names;
    const int count = OneIn(2) ? 1 : 1 + Up(4);
    for (int i = 0; i < count; ++i) {
      if (i > 0) names += ",";
      if (OneIn(5)) names += OneIn(6) ? "!!" : "!";
      names += Name();
    }
    return names;
  }

  std::string Key() {
    std::string key = keys_[static_cast<size_t>(Up(static_cast<int>(keys_.size())))];
    const size_t blank = key.find(' ');
    std::string type = key.substr(0, blank);
    std::string encoded = key.substr(blank + 1);
    switch (Up(24)) {
      case 0:
        type = Any(std::array{"ssh-unheard-of", "ssh-rsa", "rsa-sha2-512", "ssh-ed25519", "SSH-RSA",
                              "1024", "ecdsa-sha2-nistp384", "ssh-ed25519-cert-v01@openssh.com"});
        break;
      case 1:
        encoded = Any(std::array{"AAAA", "", "#", "AAAAC3NzaC1lZDI1NTE5", "35 1234567"});
        break;
      case 2:
        encoded.resize(encoded.size() - 1 - static_cast<size_t>(Up(8)));
        break;
      case 3:
        encoded += Any(std::array{"=", "A", "AAAA", "#", "\r", "\v", ","});
        break;
      case 4:
        encoded.insert(static_cast<size_t>(Up(20)), Any(std::array{"\r", "-", "\f", "\v"}));
        break;
      default:
        break;
    }
    return type + Blank() + encoded;
  }

  std::string Line() {
    if (OneIn(15)) return Any(std::array{"", "#", "# @revoked *", " ", "@", "x", "\t"});
    std::string line = OneIn(10) ? Blank() : "";
    line += Marker() + Names();
    if (!OneIn(30)) line += Blank();
    line += Key();
    if (OneIn(4)) line += Blank() + Any(std::array{"a comment", "#", "root@host", "@revoked"});
    if (OneIn(20)) line += Blank() + std::string(9000, 'x');
    if (OneIn(40)) line.insert(static_cast<size_t>(Up(static_cast<int>(line.size()))), 1, '\0');
    return line;
  }

  std::mt19937 random_;
  const std::string address_;
  const int port_;
  const std::vector<std::string> keys_;
};

// Whether ssh continues to the login. Its output must say so, or the opposite.
bool SshAccepts(const std::string& file, int port, const std::string& how) {
  const std::string said = file + ".said";
  const std::string command =
      "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=" + file +
      " -o GlobalKnownHostsFile=none -o PreferredAuthentications=none -o IdentitiesOnly=yes"
      " -o KexAlgorithms=curve25519-sha256 -p " +
      std::to_string(port) + " " + how + " true 2>" + said + " </dev/null";
  static_cast<void>(std::system(command.c_str()));
  std::ifstream answer(said, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(answer)), {});
  const bool refused = text.find("Host key verification failed") != std::string::npos;
  const bool accepted = text.find("Permission denied") != std::string::npos;
  EXPECT_NE(refused, accepted) << text;
  return accepted;
}

std::string Shown(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\t')
      shown += "\\t";
    else if (c == '\r')
      shown += "\\r";
    else if (c == '\0')
      shown += "\\0";
    else
      shown += c;
  }
  return shown;
}

TEST(KnownHosts, AreReadAsSshReadsThem) {
  const Keys keys;
  TestingSshd sshd(keys.Config());
  SshTarget target = sshd.Target();
  target.identity_file = sshd.NewKey("stranger");  // as for ssh: the host accepts none of our keys
  const int seed = FromEnvironment("MAILHUB_KNOWN_HOSTS_SEED", 1);
  const int files = FromEnvironment("MAILHUB_KNOWN_HOSTS_FILES", kFiles);
  const std::vector<std::string> lines = {sshd.HostKey(),          sshd.HostKey(),
                                          keys.Line("host_ecdsa"), keys.Line("host_rsa"),
                                          keys.Line("other_rsa"),  keys.Line("other_ed25519")};
  int accepted = 0;
  for (int i = seed; i < seed + files; ++i) {
    target.address = i % 3 == 0 ? "localhost" : "127.0.0.1";
    const std::string text =
        MadeUp(static_cast<unsigned>(i), target.address, target.port, lines).Text();
    target.known_hosts_file = sshd.directory() + "/random";
    std::ofstream(target.known_hosts_file, std::ios::binary) << text;
    const bool theirs = SshAccepts(target.known_hosts_file, target.port, target.address);
    const auto session = Session::Connect(target, SteadyNow() + Milliseconds(20'000));
    ASSERT_FALSE(session.has_value());
    const ConnectFailure reason = session.error().reason;
    ASSERT_TRUE(reason == ConnectFailure::kHostKey || reason == ConnectFailure::kAuth)
        << session.error().error.message;
    ASSERT_EQ(reason == ConnectFailure::kAuth, theirs)
        << "seed " << i << ", " << target.address << "\n"
        << session.error().error.message << "\n"
        << Shown(text);
    accepted += theirs ? 1 : 0;
  }
  std::cout << files << " files, " << accepted << " of which let the host in\n";
  EXPECT_GT(accepted, files / 10);
  EXPECT_LT(accepted, files - files / 10);
}

// We cannot listen on port 22: ssh is told to look up the name without a port.
TEST(KnownHosts, AreReadAsSshReadsThemOnTheUsualPort) {
  const Keys keys;
  TestingSshd sshd;
  const std::string host_key = sshd.HostKey();
  const std::string bytes = DecodeBase64(host_key.substr(host_key.find(' ') + 1)).value();
  const int seed = FromEnvironment("MAILHUB_KNOWN_HOSTS_SEED", 1);
  const int files = FromEnvironment("MAILHUB_KNOWN_HOSTS_FILES", kFiles);
  constexpr std::array<const char*, 4> kNames = {"hub1.example.org", "fe80::1", "my_host", "l"};
  int accepted = 0;
  for (int i = seed; i < seed + files; ++i) {
    const std::string name = kNames[static_cast<size_t>(i) % kNames.size()];
    const std::string text =
        MadeUp(static_cast<unsigned>(i), name, 22, {host_key, host_key, keys.Line("other_ed25519")})
            .Text();
    const std::string file = sshd.directory() + "/random";
    std::ofstream(file, std::ios::binary) << text;
    const bool theirs =
        SshAccepts(file, sshd.Target().port, "-o HostKeyAlias=" + name + " 127.0.0.1");
    const HostKeyVerdict ours = KnownHosts(text).Judge(name, 22, bytes, nullptr);
    ASSERT_EQ(ours == HostKeyVerdict::kGood, theirs) << "seed " << i << ", " << name << "\n"
                                                     << Shown(text);
    accepted += theirs ? 1 : 0;
  }
  std::cout << files << " files, " << accepted << " of which let the host in\n";
  EXPECT_GT(accepted, files / 10);
  EXPECT_LT(accepted, files - files / 10);
}

// The lines that ssh-keygen finds in the file for the name, combined as ssh does. It reads lines
// with the same code, and is much faster.
class Found {
 public:
  Found(const std::string& file, const std::string& name, const std::string& fingerprint) {
    const std::string command = "ssh-keygen -l -F '" + name + "' -f " + file + " 2>/dev/null";
    FILE* keygen = popen(command.c_str(), "r");
    std::string said;
    std::array<char, 4096> piece{};
    while (const size_t size = fread(piece.data(), 1, piece.size(), keygen))
      said.append(piece.data(), size);
    pclose(keygen);
    std::istringstream lines(said);
    std::string about;
    std::string key;
    while (std::getline(lines, about) && std::getline(lines, key)) {
      const bool same = key.find(fingerprint) != std::string::npos;
      if (about.ends_with(" REVOKED")) {
        revoked_ |= same;
      } else if (about.ends_with(" CA")) {
        authority_ = true;
      } else {
        (same ? good_ : other_) = true;
      }
    }
  }
  HostKeyVerdict verdict() const {
    return revoked_     ? HostKeyVerdict::kRevoked
           : good_      ? HostKeyVerdict::kGood
           : other_     ? HostKeyVerdict::kOther
           : authority_ ? HostKeyVerdict::kAuthority
                        : HostKeyVerdict::kUnknown;
  }

 private:
  bool revoked_ = false;
  bool good_ = false;
  bool other_ = false;
  bool authority_ = false;
};

TEST(KnownHosts, HaveTheLinesThatSshKeygenFinds) {
  const Keys keys;
  const std::string host_key = keys.Line("host_ed25519");
  const std::string bytes = DecodeBase64(host_key.substr(host_key.find(' ') + 1)).value();
  const std::string fingerprint = keys.Fingerprint("host_ed25519");
  const int seed = FromEnvironment("MAILHUB_KNOWN_HOSTS_SEED", 1);
  const int files = FromEnvironment("MAILHUB_KNOWN_HOSTS_FILES", kFiles);
  std::map<HostKeyVerdict, int> seen;
  for (int i = seed; i < seed + files; ++i) {
    const int port = i % 2 == 0 ? 22 : 2222;
    const std::string text =
        MadeUp(static_cast<unsigned>(i), "127.0.0.1", port,
               {host_key, host_key, keys.Line("other_ed25519"), keys.Line("other_rsa")})
            .Text();
    const std::string file = keys.Path("random");
    std::ofstream(file, std::ios::binary) << text;
    const Found found(file, port == 22 ? "127.0.0.1" : "[127.0.0.1]:2222", fingerprint);
    HostKeyVerdict theirs = found.verdict();
    const bool nothing = theirs == HostKeyVerdict::kUnknown || theirs == HostKeyVerdict::kAuthority;
    if (port != 22 && nothing) {
      const HostKeyVerdict without = Found(file, "127.0.0.1", fingerprint).verdict();
      if (without == HostKeyVerdict::kGood || without == HostKeyVerdict::kRevoked) theirs = without;
    }
    const HostKeyVerdict ours = KnownHosts(text).Judge("127.0.0.1", port, bytes, nullptr);
    ASSERT_EQ(ours, theirs) << "seed " << i << "\n" << Shown(text);
    ++seen[ours];
  }
  for (const auto& [verdict, count] : seen)
    std::cout << "verdict " << static_cast<int>(verdict) << ": " << count << " files\n";
  EXPECT_EQ(seen.size(), 5U) << "every verdict is met";
}

}  // namespace
}  // namespace mailhub::ssh
