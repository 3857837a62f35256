// See testing_runner.h.
#include "actuator/remote/testing_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "lib/base/digest.h"

namespace mailhub::remote {
namespace {

using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

[[noreturn]] void Die(const char* what) {
  perror(what);
  abort();
}

std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

}  // namespace

std::vector<RunnerSetup> UsualSetup() {
  return {{"sh", "sh", "", {}}};
}

std::vector<RunnerSetup> OtherSetups() {
  std::vector<RunnerSetup> setups;
  for (const char* shell : {"bash", "busybox", "ksh93", "mksh"}) {
    const bool busybox = std::string(shell) == "busybox";
    setups.push_back({shell, busybox ? "busybox sh" : shell, "", {}});
  }
  setups.push_back({"bare", "sh", "--no-proc --no-flock", {}});
  return setups;
}

// --- RunnerCall

RunnerCall::RunnerCall(const std::vector<std::string>& argv,
                       const std::map<std::string, std::string>& env, std::string input,
                       std::string nonce, Told told)
    : nonce_(std::move(nonce)), told_(told) {
  int in[2];
  int out[2];
  int err[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    Die("pipe2");
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  posix_spawn_file_actions_adddup2(&files, err[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  posix_spawnattr_setflags(&attributes,  // as sshd does for a command
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::vector<std::string> settings{"HOME=/root", "SSH_CONNECTION=secret"};
  const auto path = env.find("PATH");
  settings.push_back("PATH=" + (path == env.end() ? "" : path->second + ":") +
                     "/usr/sbin:/usr/bin:/sbin:/bin");
  for (const auto& [name, value] : env) {
    if (name != "PATH") settings.push_back(std::string(name).append("=").append(value));
  }
  std::vector<char*> environment;
  environment.reserve(settings.size() + 1);
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);

  if (posix_spawnp(&pid_, words[0], &files, &attributes, words.data(), environment.data()) != 0) {
    Die("posix_spawnp");
  }
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(in[0]);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
  signal(SIGPIPE, SIG_IGN);
  for (size_t sent = 0; sent < input.size();) {
    const ssize_t count = write(in[1], input.data() + sent, input.size() - sent);
    if (count <= 0) break;
    sent += static_cast<size_t>(count);
  }
  close(in[1]);
}

RunnerCall::RunnerCall(RunnerCall&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      nonce_(std::move(other.nonce_)),
      told_(other.told_) {}

RunnerCall::~RunnerCall() {
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
  if (pid_ > 0) waitpid(pid_, nullptr, WNOHANG);
}

RemoteReply RunnerCall::Wait(Milliseconds patience) {
  const RealClock clock;
  const SteadyTime deadline = clock.Steady() + patience;
  ReplyReader reader(nonce_, told_);
  while (clock.Steady() < deadline) {
    pollfd waiting{out_, POLLIN, 0};
    if (poll(&waiting, 1, 100) <= 0) continue;
    char bytes[8192];
    const ssize_t count = read(out_, bytes, sizeof bytes);
    if (count <= 0) break;
    if (!reader.Feed(std::string_view(bytes, static_cast<size_t>(count)))) continue;
    checked_ = reader.checked();
    return reader.Take("here");
  }
  RemoteReply reply;
  reply.receipt = Fail(ErrorKind::kOutcomeUnknown, "no reply: " + error_output());
  return reply;
}

std::string RunnerCall::error_output() {
  std::string text(8192, '\0');
  pollfd waiting{err_, POLLIN, 0};
  if (poll(&waiting, 1, 0) <= 0) return "";
  const ssize_t count = read(err_, text.data(), text.size());
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

// --- RunnerHost

RunnerHost::RunnerHost(RunnerSetup with) : setup(std::move(with)) {
  std::string name = "/tmp/mailhub-runner-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) Die("mkdtemp");
  root_ = name;
}

void RunnerHost::EndAll() const {
  // The groups named in the receipts, and the loop: all of them ours.
  std::error_code ignored;
  std::vector<pid_t> groups;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory(), ignored)) {
    const auto kind = entry.path().extension();
    const std::string text = kind == ".claim" || kind == ".lease" ? Slurp(entry.path()) : "";
    const size_t at = text.find("\npid=");
    if (at != std::string::npos) groups.push_back(atoi(text.c_str() + at + 5));
  }
  groups.push_back(atoi(Slurp(directory() + "/leases/loop").c_str()));
  for (const pid_t group : groups) {
    if (group > 1 && getpgid(group) == group) kill(-group, SIGKILL);
  }
}

RunnerHost::~RunnerHost() {
  EndAll();
  std::error_code ignored;
  // A process that still ends may write a last file meanwhile.
  Eventually(
      [&] {
        std::filesystem::remove_all(root_, ignored);
        return !std::filesystem::exists(root_);
      },
      Milliseconds(3'000));
}

std::vector<std::string> RunnerHost::Argv(const std::string& word) const {
  std::vector<std::string> argv = Words(setup.shell);
  for (const char* more : {MAILHUB_RUNNER_SCRIPT, "--dir"}) argv.emplace_back(more);
  argv.push_back(directory());
  argv.emplace_back("--shell");
  argv.push_back(setup.shell);
  argv.emplace_back("--no-systemd");
  argv.emplace_back("--allow-tmpfs");
  for (const std::string& option : Words(setup.options)) argv.push_back(option);
  if (!word.empty()) argv.push_back(word);
  return argv;
}

RunnerCall RunnerHost::Start(RemoteRequest request, Exchange exchange) {
  exchange.nonce = RandomHex(64);
  if (request.verb != RemoteVerb::kHello && request.directory_id.empty()) {
    request.directory_id = directory_id;
  }
  const auto text = EncodeRequest(request, identity, exchange);
  if (!text) {
    fprintf(stderr, "%s\n", text.error().message.c_str());
    abort();
  }
  return {Argv(), setup.environment, *text, exchange.nonce,
          exchange.check ? Told::kChecked : ToBeTold(request.verb, exchange.takeover)};
}

RemoteReply RunnerHost::Ask(RemoteRequest request, Exchange exchange) {
  return Start(std::move(request), std::move(exchange)).Wait();
}

RemoteReply RunnerHost::Hello() {
  RemoteReply reply = Ask({});
  if (reply.receipt) directory_id = reply.directory_id;
  return reply;
}

RemoteReply RunnerHost::Run(const std::string& key, const std::string& command, Milliseconds wait) {
  RemoteRequest request;
  request.verb = RemoteVerb::kRun;
  request.key = key;
  request.command = command;
  Exchange exchange;
  exchange.wait = wait;
  return Ask(std::move(request), std::move(exchange));
}

RemoteReply RunnerHost::Launch(const std::string& key, const std::string& command) {
  RemoteRequest request;
  request.verb = RemoteVerb::kLaunch;
  request.key = key;
  request.command = command;
  return Ask(std::move(request));
}

RemoteReply RunnerHost::Do(RemoteVerb verb, const std::string& key) {
  RemoteRequest request;
  request.verb = verb;
  request.key = key;
  Exchange exchange;
  exchange.grace = Milliseconds(500);
  return Ask(std::move(request), std::move(exchange));
}

RemoteReply RunnerHost::Arm(const std::string& key, const std::string& restore,
                            Milliseconds after) {
  RemoteRequest request;
  request.verb = RemoteVerb::kArm;
  request.key = key;
  request.command = restore;
  request.after = after;
  return Ask(std::move(request));
}

RemoteReply RunnerHost::Settled(const std::string& key) {
  RemoteReply reply;
  Eventually([&] {
    reply = Do(RemoteVerb::kStatus, key);
    return !reply.receipt || reply.receipt->state != engine::ReceiptState::kRunning;
  });
  return reply;
}

void RunnerHost::LookAtLeases() {
  RunnerCall call(Argv("deadman"), setup.environment, "", "");
  call.Wait();  // says nothing, and ends
}

std::string RunnerHost::Evidence() const {
  return Slurp(evidence());
}

std::string RunnerHost::ReadFile(const std::string& name) const {
  return Slurp(directory() + "/" + name);
}

void RunnerHost::WriteFile(const std::string& name, const std::string& text) const {
  std::ofstream(directory() + "/" + name, std::ios::binary) << text;
}

}  // namespace mailhub::remote
