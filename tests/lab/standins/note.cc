// Reports an event for a shell script in a host: `note PROGRAM EVENT [KEY=VALUE ...]`, under the
// caller's name.
#include <unistd.h>

#include <string_view>

#include "common/evidence.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  lab::Event event(argv[1], argv[2]);
  event.SetPid(getppid());
  for (int i = 3; i < argc; ++i) {
    const std::string_view pair = argv[i];
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return 2;
    event.Add(pair.substr(0, equals), pair.substr(equals + 1));
  }
  event.Send();
  return 0;
}
