#include "lib/ssh/testing_sshd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "lib/ssh/dial.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";

void Require(bool fine, const std::string& what) {
  if (fine) return;
  std::cerr << "testing sshd: " << what << ": " << std::strerror(errno) << "\n";
  std::abort();
}

// Starts a program that ends with this one.
pid_t Spawn(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  Require(pid >= 0, "fork");
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  execv(argv[0], argv.data());
  _exit(127);
}

void Run(const std::vector<std::string>& words) {
  int status = 0;
  const pid_t pid = Spawn(words);
  Require(waitpid(pid, &status, 0) == pid && status == 0, "running " + words[0]);
}

// A port that was free a moment ago.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  Require(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  Require(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  close(fd);
  return ntohs(address.sin_port);
}

std::string UserName() {
  const passwd* user = getpwuid(geteuid());
  return user != nullptr ? user->pw_name : "root";
}

}  // namespace

TestingSshd::TestingSshd(const std::string& more_config, const std::string& key_type) {
  std::string pattern = "/tmp/mailhub-sshd-XXXXXX";
  Require(mkdtemp(pattern.data()) != nullptr, "mkdtemp");
  directory_ = pattern;
  if (geteuid() == 0)
    mkdir("/run/sshd", 0755);  // where sshd insists on being jailed; kept, it is shared
  NewKey("host", key_type);
  NewKey("user");
  port_ = FreePort();
  std::ofstream(directory_ + "/known_hosts")
      << "[127.0.0.1]:" << port_ << " " << HostKey() << "\n[localhost]:" << port_ << " "
      << HostKey() << "\n";
  std::ofstream(directory_ + "/config")
      << "ListenAddress 127.0.0.1\nPort " << port_ << "\nHostKey " << directory_
      << "/host\nAuthorizedKeysFile " << directory_
      << "/user.pub\nPidFile none\nUsePAM no\nStrictModes no\n"
      << "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
      << "SetEnv HOME=" << directory_ << "\n"  // without the user's shell start-up files

      << more_config << "\n";
  pid_ = Spawn({kSshd, "-D", "-E", directory_ + "/log", "-f", directory_ + "/config"});
  const SteadyTime deadline = SteadyNow() + Seconds(5);
  while (true) {
    const auto fd = Dial("127.0.0.1", port_, deadline, nullptr);
    if (fd) {
      close(*fd);
      return;
    }
    Require(SteadyNow() < deadline && kill(pid_, 0) == 0, "sshd did not start");
    WaitFor(-1, 0, SteadyNow() + Milliseconds(10), nullptr);
  }
}

TestingSshd::~TestingSshd() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  // Processes that commands have left may still write or remove a last file.
  std::error_code failed;
  for (int tries = 0; tries < 100 && std::filesystem::exists(directory_, failed); ++tries) {
    std::filesystem::remove_all(directory_, failed);
  }
}

SshTarget TestingSshd::Target() const {
  return {"testhost", "127.0.0.1",          port_,
          UserName(), directory_ + "/user", directory_ + "/known_hosts"};
}

std::string TestingSshd::NewKey(const std::string& name, const std::string& type) {
  std::string path = directory_ + "/" + name;
  Run({"/usr/bin/ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test", "-f", path});
  return path;
}

std::string TestingSshd::HostKey() const {
  std::ifstream file(directory_ + "/host.pub");
  std::string type;
  std::string key;
  file >> type >> key;
  return type + " " + key;
}

}  // namespace mailhub::ssh
