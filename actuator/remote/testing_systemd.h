// A stand-in for systemd, for tests on machines where it is not process 1: systemctl, systemd-run
// and busctl that do as the real ones do, as far as the runner asks them, in a mount namespace
// where there is a systemd to be seen.
#pragma once

#include <string>

namespace mailhub::remote {

// Writes into a directory that it does not own. Confined to one thread.
class StandInSystemd {
 public:
  // `directory` is made. Everything lies below it.
  explicit StandInSystemd(std::string directory);

  // The shell to start the runner with: sh, where systemd is.
  std::string shell() const { return directory_ + "/shell"; }
  // Where the stand-ins are: to be found before the real ones. More may be put there.
  std::string tools() const { return directory_ + "/tools"; }
  void PutTool(const std::string& name, const std::string& script) const;
  // What the runner's unit file says; empty if there is none.
  std::string Unit(const std::string& name) const;
  // A shell command that starts the unit's as systemd starts what is root's: no home, SIGPIPE
  // ignored unless the unit says otherwise, in /. It waits for the end.
  std::string StartCommand(const std::string& name) const;
  // Whether the timer of that name runs; tests stop it by hand.
  bool IsActive(const std::string& name) const;
  void Stop(const std::string& name) const;
  // How often systemctl was called with this verb.
  int Calls(const std::string& verb) const;

 private:
  std::string directory_;
};

}  // namespace mailhub::remote
