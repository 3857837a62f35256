// See protocol.h.
#include "actuator/remote/protocol.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "lib/base/digest.h"
#include "lib/base/printable.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteVerb;

constexpr size_t kLongestBody = size_t{64} * 1024;
constexpr size_t kMostNoise = size_t{64} * 1024;
constexpr size_t kLongestHeader = size_t{16} * 1024;
constexpr size_t kLongestOutput = 4096;
constexpr size_t kLongestSentence = 900;  // in a host's reply

// A header field: it must not end the line or look like another field.
bool Sayable(std::string_view text, size_t longest) {
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/';
         });
}

// As the runner writes numbers: not negative, and without leading zeros.
template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  if (text.starts_with('-') || (text.size() > 1 && text[0] == '0' && text[1] != '.')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseState(std::string_view text, ReceiptState* state) {
  if (text == "none")
    *state = ReceiptState::kNone;
  else if (text == "running")
    *state = ReceiptState::kRunning;
  else if (text == "finished")
    *state = ReceiptState::kFinished;
  else if (text == "interrupted")
    *state = ReceiptState::kInterrupted;
  else if (text == "void")
    *state = ReceiptState::kVoid;
  else
    return false;
  return true;
}

bool ParseLease(std::string_view text, LeaseState* lease) {
  if (text == "none")
    *lease = LeaseState::kNone;
  else if (text == "armed")
    *lease = LeaseState::kArmed;
  else if (text == "restored")
    *lease = LeaseState::kRestored;
  else
    return false;
  return true;
}

ErrorKind KindOf(std::string_view error) {
  if (error == "refused") return ErrorKind::kRefused;
  if (error == "directory_changed") return ErrorKind::kCorrupt;
  if (error == "swept") return ErrorKind::kNotFound;
  if (error == "invalid") return ErrorKind::kInvalid;
  if (error == "unavailable") return ErrorKind::kUnreachable;  // nothing was done: ask again later
  if (error == "unknown") return ErrorKind::kOutcomeUnknown;
  return ErrorKind::kInternal;
}

// A command's output may have any bytes; journal and API need UTF-8.
std::string ToUtf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const size_t length = text[0] == '\0' ? 0 : FirstCharacterBytes(text);
    if (length == 0) {
      clean += '?';
      text.remove_prefix(1);
    } else {
      clean += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return clean;
}

// A host's text in one line, fit for a sentence.
std::string OneLine(std::string_view text) {
  return Excerpt(text, kLongestSentence);
}

bool IsExitStatus(int status) {
  return status >= 0 && status <= 255;
}

// No sign, no exponent, no "nan": digits and a point, and no more digits than a real uptime has.
bool ParseUptime(std::string_view text, double* uptime_s) {
  return text.size() <= 16 && text.find_first_not_of("0123456789.") == std::string_view::npos &&
         ParseNumber(text, uptime_s);
}

}  // namespace

Result<std::string> EncodeRequest(const engine::RemoteRequest& request, const Identity& identity,
                                  const Exchange& exchange) {
  if (!Sayable(request.key, 256) || !Sayable(request.directory_id, 64) ||
      !Sayable(identity.journal_id, 64) || identity.journal_id.empty()) {
    return Fail(ErrorKind::kInvalid, "key, directory identity or journal id is malformed: '" +
                                         request.key + "', '" + request.directory_id + "', '" +
                                         identity.journal_id + "'");
  }
  if (request.command.size() > kLongestBody || request.command.find('\0') != std::string::npos) {
    return Fail(ErrorKind::kInvalid, "the command is longer than 64 KiB or has a NUL in it");
  }
  std::string text = "mailhub-request 1\n";
  const auto add = [&text](const char* name, const std::string& value) {
    text += name;
    text += '=';
    text += value;
    text += '\n';
  };
  add("nonce", exchange.nonce);
  add("verb", exchange.takeover ? "takeover" : exchange.check ? "check" : Name(request.verb));
  add("journal", identity.journal_id);
  add("epoch", std::to_string(identity.epoch));
  if (!request.directory_id.empty()) add("directory_id", request.directory_id);
  if (!request.key.empty()) add("key", request.key);
  if (exchange.wait.count() > 0) add("wait_ms", std::to_string(exchange.wait.count()));
  if (exchange.within.count() > 0) add("within_ms", std::to_string(exchange.within.count()));
  if (exchange.grace.count() > 0) add("grace_ms", std::to_string(exchange.grace.count()));
  if (request.after.count() > 0) add("after_ms", std::to_string(request.after.count()));
  if (request.generation > 0) add("generation", std::to_string(request.generation));
  if (!request.command.empty()) add("digest", Sha256Hex(request.command));
  add("body_bytes", std::to_string(request.command.size()));
  return text + '\n' + request.command + '\n';
}

Told ToBeTold(RemoteVerb verb, bool takeover) {
  if (takeover) return Told::kMark;
  switch (verb) {
    case RemoteVerb::kRun:
    case RemoteVerb::kLaunch:
    case RemoteVerb::kStatus:
    case RemoteVerb::kVoid:
    case RemoteVerb::kCancel:
      return Told::kReceipt;
    case RemoteVerb::kHello:
    case RemoteVerb::kArm:
    case RemoteVerb::kRenew:
    case RemoteVerb::kDisarm:
      return Told::kLease;
    case RemoteVerb::kSweep:
      return Told::kMark;
  }
  std::abort();
}

bool ReplyReader::Break(std::string why) {
  broken_ = std::move(why);
  return true;
}

bool ReplyReader::Feed(std::string_view bytes) {
  buffer_ += bytes;
  if (!broken_.empty()) return true;
  if (!begun_) {
    // Start-up files may print anything before it, with or without a line end: only the nonce marks
    // the reply.
    static constexpr std::string_view kMagic = "mailhub-runner 1\n";
    const size_t at = buffer_.find(std::string(kMagic) + "nonce=" + nonce_ + '\n');
    if (at == std::string::npos) {
      const std::string another = std::string(kMagic) + "nonce=";
      const size_t reply = buffer_.starts_with(another) ? 0 : buffer_.find('\n' + another);
      const bool whole = reply != std::string::npos &&
                         buffer_.find('\n', reply + another.size() + 1) != std::string::npos;
      if (whole) return Break("it answers another request");
      return buffer_.size() > kMostNoise && Break("64 KiB came before it");
    }
    begun_ = true;
    buffer_.erase(0, at + kMagic.size());
  }
  if (body_at_ == 0) {
    const size_t end = buffer_.find("\n\n");
    if (end == std::string::npos) {
      return buffer_.size() > kLongestHeader && Break("its header does not end");
    }
    broken_ = end + 1 > kLongestHeader ? "its header is too long"
                                       : ParseHeader(std::string_view(buffer_).substr(0, end + 1));
    body_at_ = end + 2;
  }
  return !broken_.empty() || buffer_.size() - body_at_ >= body_bytes_;
}

std::string ReplyReader::ParseHeader(std::string_view header) {
  while (!header.empty()) {
    const size_t end = header.find('\n');
    const std::string_view line = header.substr(0, end);
    header.remove_prefix(end + 1);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return "a line of its header has no '='";
    const std::string_view name = line.substr(0, equals);
    if (!fields_.emplace(name).second) return "it says " + Excerpt(name) + " twice";
    if (std::string wrong = ParseField(name, line.substr(equals + 1)); !wrong.empty()) return wrong;
  }
  return WhatIsMissing();
}

std::string ReplyReader::ParseField(std::string_view name, std::string_view value) {
  bool sound = true;
  if (name == "result")
    sound = (failed_ = value == "error") || value == "ok";
  else if (name == "error")
    sound = !(error_ = value).empty();
  else if (name == "message")
    message_ = OneLine(value);
  else if (name == "state")
    sound = ParseState(value, &receipt_.state);
  else if (name == "exit_status")
    sound = ParseNumber(value, &receipt_.exit_status) && IsExitStatus(receipt_.exit_status);
  else if (name == "truncated")
    receipt_.truncated = value == "1";
  else if (name == "lease")
    sound = ParseLease(value, &reply_.lease);
  else if (name == "lease_exit")
    sound = ParseNumber(value, &reply_.lease_exit.emplace()) && IsExitStatus(*reply_.lease_exit);
  else if (name == "lease_detail")
    reply_.lease_detail = OneLine(value);
  else if (name == "directory_id")
    sound = !(reply_.directory_id = value).empty() && Sayable(value, 64);
  else if (name == "boot_id")
    sound = !(reply_.mark.boot_id = value).empty() && Sayable(value, 128);
  else if (name == "uptime")
    sound = ParseUptime(value, &reply_.mark.uptime_s);
  else if (name == "output_bytes")
    sound = ParseNumber(value, &body_bytes_) && body_bytes_ <= kLongestOutput;
  else if (name == "receipts")
    sound = !(checked_.receipts = value).empty() && Sayable(value, 32);
  else if (name == "receipts_detail")
    checked_.receipts_detail = OneLine(value);
  else if (name == "fence")
    sound = !(checked_.fence = value).empty() && Sayable(value, 32);
  else if (name == "fence_detail")
    checked_.fence_detail = OneLine(value);
  else if (name == "runner")
    sound = Sayable(checked_.runner = value, 64);
  else if (name == "duration_ms") {
    int64_t duration = 0;
    sound = ParseNumber(value, &duration) && duration >= 0;
    receipt_.duration = Milliseconds(duration);
  }
  return sound ? "" : "its " + Excerpt(name) + " is '" + Excerpt(value) + "'";
}

std::string ReplyReader::WhatIsMissing() const {
  const auto says = [this](const char* name) { return fields_.count(name) != 0; };
  const auto no = [](const char* name) { return std::string("it has no ") + name; };
  if (!says("result")) return no("result");
  if (failed_ != says("error")) return failed_ ? no("error") : "it is ok and has an error";
  if (failed_) return says("output_bytes") ? "" : no("output_bytes");
  for (const char* name : {"directory_id", "boot_id", "uptime", "output_bytes"}) {
    if (!says(name)) return no(name);
  }
  if (told_ == Told::kLease && !says("lease")) return no("lease");
  if (told_ == Told::kChecked) {
    for (const char* name : {"receipts", "fence"}) {
      if (!says(name)) return no(name);
    }
  }
  if (told_ == Told::kReceipt && !says("state")) return no("state");
  // Also in a reply that needs no receipt: a contradictory reply is not trusted.
  const bool finished = receipt_.state == ReceiptState::kFinished;
  if (finished && !says("exit_status")) return no("exit_status");
  return !finished && says("exit_status") ? "it has the exit_status of what has not finished" : "";
}

engine::RemoteReply ReplyReader::Take(const std::string& host) const {
  engine::RemoteReply reply = reply_;
  if (!broken_.empty()) {
    reply = {};
    reply.receipt =
        Fail(ErrorKind::kOutcomeUnknown, host + ": the runner's reply is garbled: " + broken_);
  } else if (failed_) {
    reply = {};
    reply.receipt = Fail(KindOf(error_), host + ": " + message_);
  } else {
    engine::Receipt receipt = receipt_;
    receipt.output = ToUtf8(std::string_view(buffer_).substr(body_at_, body_bytes_));
    reply.receipt = std::move(receipt);
  }
  return reply;
}

}  // namespace mailhub::remote
