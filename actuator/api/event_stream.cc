// The backend makes a new view object at every change, so a check for changes is one pointer
// comparison.
#include "actuator/api/event_stream.h"

#include <set>
#include <thread>

#include "actuator/api/render.h"
#include "lib/base/digest.h"

namespace mailhub::api {
namespace {

constexpr Milliseconds kPatience{300};
constexpr Milliseconds kLookEvery{50};

void Append(std::string* chunk, const char* kind, const std::string& data) {
  *chunk += std::string("event: ") + kind + "\ndata: " + data + "\n\n";
}

}  // namespace

std::shared_ptr<void> Tickets::Take(const std::shared_ptr<Tickets>& tickets,
                                    const std::string& origin) {
  const bool taken = tickets->taken_.With([&](Taken& now) {
    int& own = now.by_origin[origin];
    if (now.all >= tickets->most_ || own >= (tickets->most_ + 1) / 2) return false;
    ++now.all;
    ++own;
    return true;
  });
  if (!taken) return nullptr;
  return std::shared_ptr<void>(tickets.get(), [tickets, origin](void*) {
    tickets->taken_.With([&](Taken& now) {
      --now.all;
      if (--now.by_origin[origin] == 0) now.by_origin.erase(origin);
    });
  });
}

void EventStream::Next(std::string* chunk, Milliseconds patience) {
  for (Milliseconds waited{0};; waited += kLookEvery) {
    std::shared_ptr<const engine::View> view = backend_.Look();
    if (view != seen_) {
      AppendChanges(*view, chunk);
      seen_ = std::move(view);
      if (!chunk->empty()) return;
    }
    if (waited >= patience) return;
    std::this_thread::sleep_for(kLookEvery);
  }
}

void EventStream::AppendChanges(const engine::View& view, std::string* chunk) {
  std::string text = ViewSummary(view);
  if (text != view_text_) {
    Append(chunk, "view", text);
    view_text_ = std::move(text);
  }
  std::set<std::string> shown;
  const auto look = [&](const engine::RunView& run) {
    shown.insert(run.id);
    // Rendered at a fixed time, so that passing time alone is no change.
    std::string digest = Sha256Hex(RunSummary(run, WallTime()));
    std::string& last = run_texts_[run.id];
    if (digest == last) return;
    last = std::move(digest);
    Append(chunk, "run", RunSummary(run, clock_.Now()));
  };
  for (const engine::RunView& run : view.unfinished) look(run);
  for (const engine::RunView& run : view.finished) look(run);
  std::erase_if(run_texts_, [&](const auto& entry) { return !shown.contains(entry.first); });
}

http::Response ServeEvents(const http::Request& request, const Backend& backend, const Clock& clock,
                           const std::shared_ptr<Tickets>& tickets) {
  std::shared_ptr<void> ticket = Tickets::Take(tickets, request.origin);
  http::Response response;
  response.content_type = "application/json";
  if (!ticket) {
    response.status = 503;
    response.headers = {{"Retry-After", "10"}};
    response.body = Failure("overloaded", "as many event streams as allowed are open");
    return response;
  }
  auto stream = std::make_shared<EventStream>(backend, clock);
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = http::Stream{[stream, ticket](std::string* chunk) {
                                   stream->Next(chunk, kPatience);
                                   return true;
                                 },
                                 ": \n\n"};
  return response;
}

}  // namespace mailhub::api
