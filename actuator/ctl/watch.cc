// Asks again and again: a poll survives a restart of the actuator, which is when people watch most.
#include "actuator/ctl/watch.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "actuator/ctl/model.h"
#include "actuator/ctl/run_text.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

constexpr Milliseconds kLookForRunEvery{500};

class Screen {
 public:
  Screen() : terminal_(isatty(STDOUT_FILENO) != 0) {}

  void Show(const Run& run) {
    std::string text;
    if (terminal_) {
      size_t columns = 80;
      size_t rows = 24;
      winsize size{};
      if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        columns = size.ws_col;
        rows = size.ws_row;
      }
      // One row and column less, so that nothing wraps or scrolls away from under the cursor.
      const auto lines = Frame(run, columns - 1, std::max<size_t>(rows - 1, 4));
      text = Home();
      for (const std::string& line : lines) text += line + "\n";
      drawn_ = lines.size();
    } else {
      for (const std::string& line : changes_.Changes(run)) text += line + "\n";
    }
    Write(text);
  }

  void Say(const std::string& line) {
    Write(Home() + line + "\n");
    drawn_ = terminal_ ? 1 : 0;
  }

 private:
  // To the first row of what was drawn, and clears from there.
  std::string Home() const {
    return drawn_ == 0 ? "" : "\033[" + std::to_string(drawn_) + "F\033[J";
  }
  static void Write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  const bool terminal_;
  size_t drawn_ = 0;
  ChangeLog changes_;
};

// The id of the run to follow; kNotFound when there is none by the deadline.
Result<std::string> FindRun(ApiClient& api, const WatchOptions& options) {
  if (!options.run.empty()) return options.run;
  const SteadyTime deadline = RealClock().Steady() + options.wait_for;
  while (true) {
    QueryPairs query;
    if (!options.runbook.empty()) query.emplace_back("runbook", options.runbook);
    auto data = api.Get("/api/v1/runs", query);
    if (!data) return Fail(data.error());
    auto runs = ParseRuns(*data);
    if (!runs) return Fail(runs.error());
    const Run* newest = nullptr;  // unfinished ones come first, oldest first
    for (const Run& run : *runs)
      if (run.state != "finished") newest = &run;
    if (newest) return newest->id;
    if (RealClock().Steady() >= deadline)
      return Fail(ErrorKind::kNotFound,
                  "no unfinished run" +
                      (options.runbook.empty() ? "" : " of " + Printable(options.runbook)));
    std::this_thread::sleep_for(kLookForRunEvery);
  }
}

Result<Run> Fetch(ApiClient& api, const std::string& id) {
  auto data = api.Get("/api/v1/runs/" + http::UrlEncode(id));
  if (!data) return Fail(data.error());
  return ParseRun(*data);
}

bool MayPass(const Error& error) {
  return error.kind == ErrorKind::kUnreachable || error.kind == ErrorKind::kOverloaded;
}

std::optional<int> ExitStatus(const Run& run, const WatchOptions& options) {
  if (run.state == "finished") return run.result == "succeeded" ? 0 : 1;
  if (!run.holds.empty() && !options.until_finished) return 2;
  return std::nullopt;
}

}  // namespace

int Watch(ApiClient& api, const WatchOptions& options) {
  const auto id = FindRun(api, options);
  if (!id) {
    std::fprintf(stderr, "mailhubctl: %s\n", Printable(id.error().message).c_str());
    return 1;
  }
  Screen screen;
  bool seen = false;
  bool away = false;
  SteadyTime away_since{};
  while (true) {
    const auto run = Fetch(api, *id);
    if (run) {
      seen = true;
      away = false;
      screen.Show(*run);
      if (const auto status = ExitStatus(*run, options)) return *status;
    } else {
      const SteadyTime now = RealClock().Steady();
      if (!seen || !MayPass(run.error()) || (away && now - away_since >= options.give_up_after)) {
        std::fprintf(stderr, "mailhubctl: %s\n", Printable(run.error().message).c_str());
        return 1;
      }
      if (!away) {
        away = true;
        away_since = now;
        screen.Say("the actuator does not answer, trying again: " + Printable(run.error().message));
      }
    }
    std::this_thread::sleep_for(options.interval);
  }
}

}  // namespace mailhub::ctl
