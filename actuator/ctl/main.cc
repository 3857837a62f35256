// mailhubctl: the terminal program to look at runs and to decide about them.
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "actuator/ctl/command_line.h"
#include "actuator/ctl/mistyped.h"
#include "lib/version/version.h"

namespace mailhub::ctl {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Under sudo the calling person; without its variables (cron) the account.
std::string WhoActs() {
  for (const char* name : {"SUDO_USER", "USER"})
    if (std::string user = Environment(name); !user.empty()) return user;
  const passwd* account = getpwuid(getuid());
  return account != nullptr ? account->pw_name : "";
}

void AddConnection(CLI::App& app, Arguments& a) {
  app.add_option("--url", a.connection.url, "Where the actuator is")
      ->envname("MAILHUB_URL")
      ->capture_default_str();
  app.add_option("--token-file", a.connection.token_file,
                 "File with the API token, needed to change anything")
      ->envname("MAILHUB_TOKEN_FILE");
  CLI::Option* user = app.add_option("--user", a.connection.user, "Log in by this name instead");
  CLI::Option* password = app.add_option("--password-file", a.connection.password_file,
                                         "File with the login's password in its first line");
  user->needs(password);
  password->needs(user);
  app.add_option("--ca-file", a.connection.ca_file, "Certificates to trust, PEM");
  app.add_option("--by", a.connection.by, "Who acts, for the journal (default: you)");
  app.add_flag("--utc", a.utc, "Show times in UTC instead of local time");
  app.add_option("--output", a.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

std::vector<std::string> NamesOf(const std::vector<CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

// A mistake in a command's name gets its own sentence; other mistakes get none.
std::string MistypedCommand(CLI::App& app) {
  CLI::App* last = &app;
  std::string before;
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    before += (before.empty() ? "" : " ") + last->get_name();
  }
  const auto below = last->get_subcommands([](CLI::App*) { return true; });
  if (below.empty()) return "";
  for (const std::string& word : app.remaining(true)) {
    if (word.starts_with("-")) return "unknown option " + word;
    return MistypedText(before, word, NamesOf(below));
  }
  return MistypedText(before, "", NamesOf(below));
}

int Main(int argc, char** argv) {
  Arguments arguments;
  Action action;
  CLI::App app("Looks at the mailhub actuator's runs, and decides about them.", "mailhubctl");
  app.set_version_flag("--version", VersionText("mailhubctl"),
                       "Print version and revision, and exit");
  app.footer(
      "Exit status: 0 done; 1 not done or not known, and standard error says which and why; 2 a "
      "watched run holds; 64 "
      "wrong command line.");
  app.require_subcommand(1);
  app.fallthrough();
  AddConnection(app, arguments);
  AddCommands(app, arguments, &action);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    command->fallthrough();
    for (CLI::App* below : command->get_subcommands([](CLI::App*) { return true; }))
      below->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    const std::string mistyped = MistypedCommand(app);
    if (mistyped.empty()) {
      app.exit(e);
    } else {
      Complain({ErrorKind::kInvalid, mistyped});
      std::fputs("Run with --help for more.\n", stderr);
    }
    return kUsage;
  }
  if (arguments.utc) {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  if (arguments.connection.by.empty()) arguments.connection.by = WhoActs();
  return action();
}

}  // namespace
}  // namespace mailhub::ctl

int main(int argc, char** argv) {
  return mailhub::ctl::Main(argc, argv);
}
