// See runner_place.h.
#include "actuator/remote/runner_place.h"

#include "actuator/remote/runner_script.h"

namespace mailhub::remote {
namespace {

constexpr const char* kInstalledRunner = "exec sh /usr/local/lib/mailhub/runner --installed";

}  // namespace

std::string RunnerPath(const LinkOptions& options) {
  return options.directory + "/bin/runner-" + RunnerDigest().substr(0, 16);
}

std::string RunnerCommand(const LinkOptions& options, config::RunnerForm form) {
  // If the key is restricted to the runner, the host ignores this command.
  if (form == config::RunnerForm::kInstalled) return kInstalledRunner;
  const std::string words = options.arguments.empty() ? "" : " " + options.arguments;
  // A restore may have given the directory to another account since the connect: then its file is
  // not started, and the next connect says so. All login shells can read this.
  const std::string own = "[ -O ";
  return own + options.directory + " ] && " + own + options.directory + "/bin ] && " + own +
         RunnerPath(options) + " ] && exec " + options.shell + " " + RunnerPath(options) + words;
}

ssh::SshTarget TargetOf(const config::Site& site, const config::Host& host) {
  ssh::SshTarget target;
  target.name = host.name;
  target.address = host.address;
  target.port = host.port;
  target.user = host.user;
  target.identity_file = site.actuator_key;
  target.known_hosts_file = site.known_hosts;
  target.old_algorithms = host.old_algorithms;
  return target;
}

}  // namespace mailhub::remote
