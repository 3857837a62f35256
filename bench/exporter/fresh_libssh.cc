// The usual way of SSH exporters: for every look a connection, a command, and a disconnect. Reads
// one command per line on standard input, answers each with its exit status and the length of its
// output. It uses lib/ssh, so it has strict host keys and no Nagle, which is to its advantage.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "lib/base/clock.h"
#include "lib/ssh/session.h"

int main(int argc, char** argv) {
  using namespace mailhub;
  if (argc != 5) {
    std::fprintf(stderr, "usage: fresh_libssh PORT USER KEY KNOWN_HOSTS <COMMANDS\n");
    return 2;
  }
  const ssh::SshTarget target{"bench", "127.0.0.1", std::atoi(argv[1]), argv[2], argv[3], argv[4]};
  const RealClock clock;
  std::string command;
  while (std::getline(std::cin, command)) {
    const auto deadline = clock.Steady() + Seconds(10);
    auto session = ssh::Session::Connect(target, deadline);
    if (!session) {
      std::fprintf(stderr, "%s\n", session.error().error.message.c_str());
      return 1;
    }
    const auto result = (*session)->Exec(command, "", {}, deadline);
    if (!result) {
      std::fprintf(stderr, "%s\n", result.error().message.c_str());
      return 1;
    }
    session->reset();
    std::cout << result->exit_status << " " << result->out.size() << std::endl;
  }
  return 0;
}
