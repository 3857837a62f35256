// A runner's reply to the actuator. The first byte selects the request and how the bytes are cut.
#include <cmath>

#include "actuator/remote/protocol.h"
#include "lib/base/printable.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using engine::ReceiptState;
using engine::RemoteReply;
using remote::ReplyReader;
using remote::Told;

// The reply, once the reader has enough of it.
std::optional<RemoteReply> Read(std::string_view bytes, size_t piece, Told told) {
  ReplyReader reader("N", told);
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    if (reader.Feed(next)) return reader.Take("h");
  }
  return std::nullopt;
}

void DemandSame(const RemoteReply& a, const RemoteReply& b) {
  Demand(a.receipt.has_value() == b.receipt.has_value(), "a reply is the same however it comes");
  if (!a.receipt)
    return Demand(a.receipt.error().kind == b.receipt.error().kind, "and so its kind");
  Demand(*a.receipt == *b.receipt && a.mark == b.mark && a.directory_id == b.directory_id &&
             a.lease == b.lease && a.lease_exit == b.lease_exit,
         "and so all that it says");
}

// Whether the header has a line of that name.
bool Says(std::string_view header, std::string_view name) {
  return header.find("\n" + std::string(name) + "=") != std::string_view::npos;
}

void DemandSound(const RemoteReply& reply, Told told, std::string_view header) {
  const engine::Receipt& receipt = *reply.receipt;
  Demand(std::isfinite(reply.mark.uptime_s) && reply.mark.uptime_s >= 0, "an uptime is one");
  Demand(Says(header, "result") && header.find("\nresult=ok\n") != std::string_view::npos &&
             !Says(header, "error"),
         "what succeeds says so");
  Demand(!reply.mark.boot_id.empty() && !reply.directory_id.empty(), "a mark is whole");
  for (const std::string* id : {&reply.mark.boot_id, &reply.directory_id}) {
    Demand(id->size() <= 128 && Printable(*id) == *id, "an id is a word", *id);
  }
  for (const char* field : {"uptime", "boot_id", "directory_id", "output_bytes"}) {
    Demand(Says(header, field), "a reply leaves nothing out", field);
  }
  if (told == Told::kReceipt) Demand(Says(header, "state"), "a receipt says its state");
  if (told == Told::kLease) Demand(Says(header, "lease"), "a lease is said");
  if (told == Told::kChecked) Demand(Says(header, "fence"), "a check says whom the host obeys");
  if (receipt.state == ReceiptState::kFinished) {
    Demand(Says(header, "exit_status"), "what has finished has a status");
  }
  Demand(receipt.exit_status >= 0 && receipt.exit_status <= 255, "a status is one");
  Demand(receipt.duration.count() >= 0, "a duration is not negative");
  Demand(receipt.output.size() <= 4096 && IsUtf8(receipt.output), "output is UTF-8");
  Demand(Printable(reply.lease_detail) == reply.lease_detail, "a detail is printable",
         reply.lease_detail);
}

}  // namespace

void TryRunnerReply(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto how = static_cast<unsigned char>(bytes[0]);
  constexpr Told kTold[] = {Told::kMark, Told::kReceipt, Told::kLease, Told::kChecked};
  const Told told = kTold[how & 3];
  bytes.remove_prefix(1);
  const std::string text = "mailhub-runner 1\nnonce=N\n" + std::string(bytes);
  // Without our beginning, the same bytes are a login's output or another request's reply.
  if (const auto alone = Read(bytes, 4096, told); alone && !alone->receipt) {
    DemandGoodMessage(alone->receipt.error());
  }
  const auto whole = Read(text, text.size(), told);
  const auto pieces = Read(text, 1 + (how >> 4), told);
  Demand(whole.has_value() == pieces.has_value(), "a reply is the same however it comes");
  if (!whole) return;
  DemandSame(*whole, *pieces);
  if (!whole->receipt) return DemandGoodMessage(whole->receipt.error());
  const size_t end = text.find("\n\n");
  Demand(end != std::string::npos, "a header ends");
  DemandSound(*whole, told, std::string_view(text).substr(0, end + 1));
}

}  // namespace mailhub::fuzz
