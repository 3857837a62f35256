// Polls the API: a poll survives a restart of the actuator, which is when people watch most.
#include "actuator/ctl/watch.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "actuator/ctl/commands.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/patience.h"
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
      // One row and column less, so that nothing wraps and nothing scrolls away.
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
  // Moves to the first row of the drawing, and clears from there.
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

// The newest unfinished run's id; "" when there is none.
Result<std::string> NewestRun(ApiClient& api, const std::string& runbook) {
  QueryPairs query;
  if (!runbook.empty()) query.emplace_back("runbook", runbook);
  auto data = GetPages(api, "/api/v1/runs", query, {.key = "runs", .cursor = "after"});
  if (!data) return Fail(data.error());
  auto runs = ParseRuns(*data);
  if (!runs) return Fail(runs.error());
  std::string newest;  // unfinished ones come first, oldest first
  for (const Run& run : *runs)
    if (run.state != "finished") newest = run.id;
  return newest;
}

// The id of the run to follow; kNotFound when there is none by the deadline.
Result<std::string> FindRun(ApiClient& api, const WatchOptions& options, Patience& patience) {
  if (!options.run.empty()) return options.run;
  const SteadyTime deadline = RealClock().Steady() + options.wait_for;
  while (true) {
    auto newest = NewestRun(api, options.runbook);
    if (newest) {
      patience.Answered();
      if (!newest->empty()) return newest;
    } else if (!patience.Bears(newest.error())) {
      return newest;
    }
    if (RealClock().Steady() >= deadline) {
      if (!newest) return newest;
      return Fail(ErrorKind::kNotFound,
                  "no unfinished run" +
                      (options.runbook.empty() ? "" : " of " + Printable(options.runbook)));
    }
    std::this_thread::sleep_for(kLookForRunEvery);
  }
}

Result<Run> Fetch(ApiClient& api, const std::string& id) {
  auto data = api.Get("/api/v1/runs/" + http::UrlEncode(id));
  if (!data) return Fail(data.error());
  return ParseRun(*data);
}

std::optional<int> ExitStatus(const Run& run, const WatchOptions& options) {
  if (run.state == "finished") return run.result == "succeeded" ? 0 : 1;
  if (!run.holds.empty() && !options.until_finished) return 2;
  return std::nullopt;
}

}  // namespace

int Watch(ApiClient& api, const WatchOptions& options) {
  Screen screen;
  Patience patience(options.give_up_after,
                    [&screen](const std::string& line) { screen.Say(line); });
  const auto id = FindRun(api, options, patience);
  if (!id) return Complain(id.error());
  while (true) {
    const auto run = Fetch(api, *id);
    if (run) {
      patience.Answered();
      screen.Show(*run);
      if (const auto status = ExitStatus(*run, options)) return *status;
    } else if (!patience.Bears(run.error())) {
      return Complain(run.error());
    }
    std::this_thread::sleep_for(options.interval);
  }
}

}  // namespace mailhub::ctl
