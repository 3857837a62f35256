// See receivers_section.h.
#include "actuator/settings/receivers_section.h"

#include "lib/base/lower.h"

namespace mailhub::settings {
namespace {

using config::AtLeast;
using config::Node;
using config::Reader;
using notify::Happening;

constexpr size_t kMostReceivers = 16;  // a thread each
constexpr Milliseconds kLeastKeep{60'000};
constexpr Milliseconds kLongestTimeout{60'000};

void ReadWhere(Reader& in, const Node& node, ReceiverSettings* receiver) {
  const Node url = node["url"];
  const Node file = node["url_file"];
  if (url.Present() == file.Present()) {
    in.Keep((url.Present() ? file : node)
                .Invalid("expected one of url (like https://chat.example.org/hooks/...) and "
                         "url_file"));
    return;
  }
  if (url.Present()) receiver->url = ReadUrl(in, url);
  in.Optional(file, &receiver->url_file, config::PathFromFile);
}

void ReadEvents(Reader& in, const Node& node, std::set<Happening>* events) {
  if (!node.Present()) {
    const auto all = All<Happening>();
    events->insert(all.begin(), all.end());
    return;
  }
  const std::vector<Node> items = node.Items();
  if (items.empty()) {
    in.Keep(node.Invalid("expected a list of at least one of " + Choices<Happening>()));
  }
  for (const Node& item : items) {
    if (in.Failed()) return;
    if (!events->insert(in.Required(item, config::Choice<Happening>)).second) {
      in.Keep(item.Invalid("named twice"));
    }
  }
}

void ReadReceiver(Reader& in, const Node& node, ReceiverSettings* receiver) {
  in.Keys(node, {"name", "url", "url_file", "format", "events", "keep", "timeout", "headers",
                 "header_files", "ca_file", "basic_auth", "bearer_token_file"});
  in.Need(node["name"], "a name for this receiver");
  receiver->name = in.Required(node["name"], config::Allowed, config::kIdentifiers,
                               "letters, digits, _ and -, at most 64");
  ReadWhere(in, node, receiver);
  in.Need(node["format"], Choices<notify::Format>());
  receiver->format = in.Required(node["format"], config::Choice<notify::Format>);
  ReadEvents(in, node["events"], &receiver->events);
  in.Optional(node["keep"], &receiver->keep, AtLeast, kLeastKeep);
  in.Optional(node["timeout"], &receiver->timeout, AtLeast, Milliseconds(100));
  if (receiver->timeout > kLongestTimeout) in.Keep(node["timeout"].Invalid("longer than 1m"));
  ReadHttpAccess(in, node, receiver);
  for (const char* const key : {"headers", "header_files"}) {
    for (const Node::Entry& entry : node[key].Entries()) {
      if (Lower(entry.key) != "idempotency-key") continue;
      in.Keep(entry.key_node.Invalid("each notification has one of its own"));
    }
  }
}

}  // namespace

void ReadReceivers(Reader& in, const Node& node, std::vector<ReceiverSettings>* receivers) {
  if (!node.Present()) return;
  if (!node.IsList()) in.Keep(node.Invalid("expected a list of receivers"));
  const std::vector<Node> items = node.Items();
  if (items.size() > kMostReceivers) in.Keep(node.Invalid("more than 16 receivers"));
  std::set<std::string> names;
  for (const Node& item : items) {
    if (in.Failed()) return;
    ReceiverSettings receiver;
    ReadReceiver(in, item, &receiver);
    if (!names.insert(receiver.name).second) {
      in.Keep(item["name"].Invalid("another receiver has this name"));
    }
    receivers->push_back(std::move(receiver));
  }
}

}  // namespace mailhub::settings
