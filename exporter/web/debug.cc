#include "exporter/web/debug.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;
using How = SessionStory::How;

constexpr size_t kMostOfText = 500;
constexpr size_t kShortestSecret = 4;  // a shorter one would blank out words that only look like it

std::string Utc(WallTime time) {
  const auto seconds = static_cast<std::time_t>(ToUnixMs(time) / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), size};
}

std::string InSeconds(double seconds) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.3f s", seconds);
  return {text.data(), static_cast<size_t>(size)};
}

std::string InSeconds(const std::optional<Milliseconds>& time) {
  return time ? InSeconds(ToSeconds(*time)) : "-";
}

// Leaves out of texts what the page must not show. Confined to one call.
class Veil {
 public:
  Veil(const config::Host& host, const config::Site& site) {
    Hide(site.exporter_key, "(the exporter's key)");
    Hide(site.actuator_key, "(the actuator's key)");
    for (const auto& [name, check] : host.checks) Hide(check.command, "(the command of a check)");
    for (const auto& [name, command] : host.commands) Hide(command, "(a command)");
  }
  std::string operator()(std::string text) const {
    for (const auto& [secret, instead] : secrets_) {
      for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += instead.size())
        text.replace(at, secret.size(), instead);
    }
    return Excerpt(text, kMostOfText);
  }

 private:
  void Hide(const std::string& secret, const char* instead) {
    if (secret.size() >= kShortestSecret) secrets_.emplace_back(secret, instead);
  }
  std::vector<std::pair<std::string, std::string>> secrets_;
};

// One line of a table: name, outcome, time, detail.
void Line(std::string* page, std::string_view name, std::string_view outcome, std::string_view time,
          std::string_view detail) {
  const auto cell = [page](std::string_view text, size_t width) {
    page->append(text).append(text.size() < width ? width - text.size() : 1, ' ');
  };
  cell(name, 14);
  cell(outcome, 14);
  if (detail.empty()) {
    page->append(time);
  } else {
    cell(time, 10);
    page->append(detail);
  }
  *page += '\n';
}

void SayConnection(const SessionStory& session, std::string* page) {
  const std::string since = Utc(session.since);
  switch (session.how) {
    case How::kUnknown:
      return Line(page, "connection", "unknown", "-", "it was not known when this probe ended");
    case How::kKept:
      return Line(page, "connection", "kept", InSeconds(session.trace.dial),
                  "open since " + since + ": the times are of then");
    case How::kNew:
      return Line(page, "connection", "opened", InSeconds(session.trace.dial), "look-up and TCP");
    case How::kNotTried:
      return Line(page, "connection", "not tried", "-",
                  "after the refusal of " + since + ", told below, the next try is in " +
                      InSeconds(session.next_try));
    case How::kFailed:
      return Line(page, "connection", session.trace.key_exchange ? "opened" : "failed",
                  InSeconds(session.trace.dial), "tried at " + since);
  }
}

// The stages behind the connection: what none has reached is not known.
void SayLogin(const Collection& collection, const config::Host& host, const config::Site& site,
              std::string* page) {
  const SessionStory& session = collection.session;
  const ssh::ConnectTrace& trace = session.trace;
  const bool open = session.how == How::kKept || session.how == How::kNew;
  if (trace.host_key.empty()) {
    Line(page, "host key", trace.key_exchange ? "not shown" : "unknown",
         InSeconds(trace.key_exchange), trace.key_exchange ? "" : "not asked for");
  } else {
    Line(page, "host key", trace.host_key_good ? "known" : "refused", InSeconds(trace.key_exchange),
         trace.host_key + (trace.host_key_good ? ", as in " : ", against ") + site.known_hosts);
  }
  Line(page, "login",
       open          ? "accepted"
       : trace.login ? "failed"
                     : "not tried",
       InSeconds(trace.login), "user " + host.user);
  if (host.platform == config::Platform::kWindows) return;
  Line(page, "helper", session.helper.empty() ? "not started" : "started", "-", session.helper);
}

}  // namespace

std::string RenderDebug(const config::Host& host, const config::Site& site,
                        const Collection& collection, const ProbeAccount& account) {
  const Veil veil(host, site);
  std::string page =
      "Probe of " + host.name + ": " + host.address + " port " + std::to_string(host.port) +
      ", platform " + Name(host.platform) + "\nAsked at " + Utc(account.asked) + ", may take " +
      InSeconds(ToSeconds(account.timeout)) + ", took " + InSeconds(account.seconds) + "\n\n";
  Line(&page, "STAGE", "OUTCOME", "TIME", "DETAIL");
  SayConnection(collection.session, &page);
  SayLogin(collection, host, site, &page);
  page += "\n";
  Line(&page, "COLLECTOR", "OUTCOME", "TIME", "DETAIL");
  for (const auto& [name, outcome] : collection.collectors) {
    const std::string why = outcome.why.empty() ? "not known: see the result" : veil(outcome.why);
    Line(&page, name, outcome.success ? "complete" : "failed", InSeconds(outcome.seconds),
         outcome.success ? "" : why);
  }
  page += "\nResult: ";
  if (collection.failure) {
    page.append("failed, ").append(Name(collection.failure->reason)).append(": ");
    page += veil(collection.failure->message);
  } else {
    page += "success";
  }
  page += "\n\nA scrape would have got:\n\n" + account.metrics;
  return page;
}

}  // namespace mailhub::exporter
