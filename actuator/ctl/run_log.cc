// `run log`: the journal's events of one run. An event's number is the place in the log: it never
// changes, also not with a restart, so whoever names the last one that he has loses and repeats
// nothing.
#include <cstdio>
#include <thread>

#include "actuator/ctl/commands.h"
#include "actuator/ctl/model.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/patience.h"
#include "actuator/ctl/text.h"

namespace mailhub::ctl {
namespace {

const PagedList kEvents = {.key = "events", .cursor = "after"};

void ShowLog(const std::vector<LogEntry>& entries) {
  for (const LogEntry& entry : entries) {
    std::string line = LocalTime(entry.at) + "  " + Printable(entry.kind);
    for (const auto& [key, value] : entry.fields)
      line += "  " + Printable(key) + "=" + Printable(value);
    Out(line + "\n");
    for (const std::string& output : PrintableLines(entry.output)) Out("    | " + output + "\n");
  }
}

Result<std::string> EventsAfter(ApiClient& api, const std::string& run, uint64_t after) {
  QueryPairs query;
  if (after > 0) query.emplace_back("after", std::to_string(after));
  return GetPages(api, "/api/v1/runs/" + http::UrlEncode(run) + "/events", query, kEvents);
}

// Prints the answer and moves *after on. True once the run is over; its host may still be swept.
Result<bool> ShowNew(const std::string& data, Format format, uint64_t* after) {
  const auto entries = ParseEvents(data);
  if (!entries) return Fail(entries.error());
  if (format == Format::kJson) {
    const auto lines = ItemsOf(data, kEvents.key);
    if (!lines) return Fail(lines.error());
    for (const std::string& line : *lines) Out(line + "\n");
  } else {
    ShowLog(*entries);
  }
  std::fflush(stdout);
  bool over = false;
  for (const LogEntry& entry : *entries) {
    *after = entry.seq;
    over = over || entry.kind == "run_finished" || entry.kind == "run_dropped";
  }
  return over;
}

}  // namespace

int RunLog(ApiClient& api, Format format, const std::string& run, uint64_t after) {
  const auto data = EventsAfter(api, run, after);
  return Print(data, format, ParseEvents, [&](const std::vector<LogEntry>& entries) {
    ShowLog(entries);
    Out(MoreText(*data, kEvents, "younger ones"));
  });
}

int FollowLog(ApiClient& api, Format format, const std::string& run, const FollowOptions& options) {
  uint64_t after = options.after;
  const auto where = [&after] {
    return after > 0 ? "; the rest: --after " + std::to_string(after) : std::string();
  };
  Patience patience(options.give_up_after, [](const std::string& line) {
    std::fprintf(stderr, "mailhubctl: %s\n", line.c_str());
  });
  while (true) {
    const auto data = EventsAfter(api, run, after);
    if (data) {
      patience.Answered();
      const auto over = ShowNew(*data, format, &after);
      if (!over) return Complain({over.error().kind, over.error().message + where()});
      if (*over) return 0;
    } else if (!patience.Bears(data.error())) {
      return Complain({data.error().kind, data.error().message + where()});
    }
    std::this_thread::sleep_for(options.interval);
  }
}

}  // namespace mailhub::ctl
