// See testing_systemd.h.
#include "actuator/remote/testing_systemd.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace mailhub::remote {
namespace {

std::string ReadAll(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}

// One file per active unit, and one per enabled unit.
constexpr const char* kSystemctl = R"(
verb=
for word in "$@"; do
  case $word in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else unit=$word; fi ;;
  esac
done
echo "$verb" >>"$state/calls"
case $verb in
  enable) : >"$state/enabled.$unit"; : >"$state/active.$unit" ;;
  disable) rm -f "$state/enabled.$unit" "$state/active.$unit" ;;
  is-active) [ -e "$state/active.$unit" ] && echo active || { echo inactive; exit 3; } ;;
  is-enabled) [ -e "$state/enabled.$unit" ] && echo enabled || { echo disabled; exit 1; } ;;
  daemon-reload) ;;
  *) exit 1 ;;
esac
)";

// A service's surroundings under systemd: a plain environment, no home, umask 022, / as its folder,
// and SIGPIPE ignored unless the unit says otherwise.
constexpr const char* kStart = R"(
pipe=ignored
while :; do
  case $1 in
    --property=IgnoreSIGPIPE=no) pipe=default ;;
    --*) ;;
    *) break ;;
  esac
  shift
done
cd /
umask 022
[ $pipe = default ] || trap '' PIPE
)";

}  // namespace

StandInSystemd::StandInSystemd(std::string directory) : directory_(std::move(directory)) {
  for (const char* part : {"/tools", "/units", "/run/systemd/system", "/state"}) {
    std::filesystem::create_directories(directory_ + part);
  }
  std::ofstream(directory_ + "/shell")
      << "#!/bin/sh\n[ ! -e /run/mailhub-stand-in ] || exec sh \"$@\"\n"
      << "exec unshare -m sh -c 'mount --bind " << directory_ << "/run /run && mount --bind "
      << directory_ << "/units /etc/systemd/system && exec sh \"$@\"' x \"$@\"\n";
  std::ofstream(directory_ + "/run/mailhub-stand-in").close();
  chmod(shell().c_str(), 0755);
  const std::string start_with = "env -i PATH=" + tools() + ":/usr/sbin:/usr/bin:/sbin:/bin ";
  PutTool("systemctl", "state=" + directory_ + "/state\n" + kSystemctl);
  PutTool("systemd-run",
          kStart + start_with + "LANG=C setsid \"$@\" </dev/null >/dev/null 2>&1 &\n");
  PutTool("start-unit", kStart + ("exec " + start_with) + "LANG=C setsid \"$@\" </dev/null\n");
}

void StandInSystemd::PutTool(const std::string& name, const std::string& script) const {
  const std::string path = tools() + "/" + name;
  std::ofstream(path) << "#!/bin/sh\n" << script;
  chmod(path.c_str(), 0755);
}

std::string StandInSystemd::Unit(const std::string& name) const {
  return ReadAll(directory_ + "/units/" + name);
}

std::string StandInSystemd::StartCommand(const std::string& name) const {
  const std::string text = "\n" + Unit(name);
  const size_t at = text.find("\nExecStart=") + 11;
  const std::string words = text.substr(at, text.find('\n', at) - at);
  const char* property =
      text.find("\nIgnoreSIGPIPE=no\n") == std::string::npos ? "" : "--property=IgnoreSIGPIPE=no ";
  return shell() + " -c '" + tools() + "/start-unit " + property + words + "'";
}

bool StandInSystemd::IsActive(const std::string& name) const {
  return std::filesystem::exists(directory_ + "/state/active." + name);
}

void StandInSystemd::Stop(const std::string& name) const {
  std::filesystem::remove(directory_ + "/state/active." + name);
}

int StandInSystemd::Calls(const std::string& verb) const {
  std::istringstream calls(ReadAll(directory_ + "/state/calls"));
  int count = 0;
  for (std::string call; calls >> call;) count += call == verb ? 1 : 0;
  return count;
}

}  // namespace mailhub::remote
