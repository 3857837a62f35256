// A host's reply to the exporter, up to the page. The first byte selects the host, and how the
// bytes are cut.
#include <algorithm>
#include <cmath>
#include <set>

#include "exporter/collector/collector.h"
#include "lib/base/printable.h"
#include "lib/metrics/text.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using exporter::Reply;
using exporter::ReplyReader;

config::Host Asked(bool posix) {
  config::Host host;
  host.name = "h";
  host.platform = posix ? config::Platform::kPosix : config::Platform::kLinux;
  host.processes["eddy"] = {"/e", "", ""};
  host.processes["root"] = {"/e", "-D", ""};
  if (!posix) host.threads["eddy"] = {"worker", "UNS"};
  for (const char* name : {"a", "b"}) host.services[name] = {config::ServiceKind::kSystemd};
  host.services["c"] = {config::ServiceKind::kSysv};
  host.directories["queue"] = "/q";
  host.files["aliases"] = "/f";
  host.checks["n"] = {"true"};
  return host;
}

// The result for bytes that arrive in pieces; nothing if the reader gave up.
std::optional<Reply> Read(std::string_view bytes, size_t piece, bool* complete) {
  ReplyReader reader("N");
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    if (const Status fed = reader.Feed(next); !fed) {
      DemandGoodMessage(fed.error());
      return std::nullopt;
    }
  }
  *complete = reader.complete();
  return reader.reply();
}

std::string LabelOf(const metrics::Sample& sample, std::string_view name) {
  for (const auto& [label, value] : sample.label) {
    if (label == name) return value;
  }
  return "";
}

void DemandSound(const metrics::Families& families) {
  for (const auto& [name, family] : families.all()) {
    std::set<metrics::Labels> seen;
    std::map<std::string, double> states;  // of a service, the sum of its states
    for (const metrics::Sample& sample : family.metric) {
      const double figure = metrics::ValueOf(family, sample);
      Demand(std::isfinite(figure), "a value is finite", name);
      Demand(!name.ends_with("_total") || figure >= 0, "a counter is not negative", name);
      Demand(seen.insert(sample.label).second, "a series is there once", name);
      for (const auto& [label, value] : sample.label) {
        Demand(IsUtf8(value), "a label is UTF-8", value);
      }
      if (name != "mailhub_service_state") continue;
      states[LabelOf(sample, "name")] += figure;
    }
    for (const auto& [of, sum] : states) Demand(sum == 1, "one of all states is true", of);
  }
}

}  // namespace

void TryHelperReply(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto how = static_cast<unsigned char>(bytes[0]);
  static const config::Host kHosts[] = {Asked(false), Asked(true)};
  const config::Host& host = kHosts[how & 1];
  const std::string frame = "N begin 1\n" + std::string(bytes.substr(1));
  bool complete = false;
  bool again = false;
  const auto reply = Read(frame, frame.size(), &complete);
  const auto pieces = Read(frame, 1 + (how >> 4), &again);
  Demand(reply.has_value() == pieces.has_value() && complete == again,
         "a reply is the same however it comes");
  if (!reply) return;
  Demand(std::isfinite(reply->uptime_seconds) && reply->uptime_seconds >= 0, "an uptime is one");
  Demand(reply->ticks_per_second > 0 && reply->page_bytes > 0, "a clock ticks");
  metrics::Families all;
  exporter::Past past;
  for (const exporter::Collector* collector : exporter::kHelperCollectors) {
    const exporter::Section* section = reply->Find(collector->section);
    if (!collector->wanted(host) || section == nullptr || !section->done) continue;
    metrics::Families families;
    const Status read = collector->read(host, *reply, *section, &past, &families);
    if (!read) DemandGoodMessage(read.error());
    if (!read && read.error().kind != ErrorKind::kNotFound) continue;
    DemandSound(families);
    all.Merge(std::move(families));
  }
  const std::string page = metrics::ToText(all);
  Demand(std::none_of(page.begin(), page.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; }),
         "a page is text", page);
}

}  // namespace mailhub::fuzz
