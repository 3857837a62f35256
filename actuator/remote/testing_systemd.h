// Stand-ins for systemctl, systemd-run and busctl, for tests where systemd is not process 1. They
// behave like the real ones as far as the runner uses them, in a mount namespace in which systemd
// seems to run.
#pragma once

#include <string>

namespace mailhub::remote {

// Writes into a directory that it does not own. Confined to one thread.
class StandInSystemd {
 public:
  // Creates `directory`. Everything is below it.
  explicit StandInSystemd(std::string directory);

  // The shell to start the runner with: sh in that namespace.
  std::string shell() const { return directory_ + "/shell"; }
  // The directory of the stand-ins; it must come first in PATH. Tests may add more.
  std::string tools() const { return directory_ + "/tools"; }
  void PutTool(const std::string& name, const std::string& script) const;
  // The text of the runner's unit file; empty if there is none.
  std::string Unit(const std::string& name) const;
  // A shell command that starts the unit's command as systemd starts root's: no HOME, SIGPIPE
  // ignored unless the unit says otherwise, in /. It waits for the end.
  std::string StartCommand(const std::string& name) const;
  // Whether the timer of that name runs; tests stop it by hand.
  bool IsActive(const std::string& name) const;
  void Stop(const std::string& name) const;
  // The number of systemctl calls with this verb.
  int Calls(const std::string& verb) const;

 private:
  std::string directory_;
};

}  // namespace mailhub::remote
