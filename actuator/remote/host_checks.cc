// See host_checks.h. An uploaded runner that is not there yet cannot be asked: then a few lines of sh
// look at what its upload and its first request will need.
#include "actuator/remote/host_checks.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "actuator/remote/protocol.h"
#include "actuator/remote/runner_place.h"
#include "actuator/remote/runner_script.h"
#include "lib/base/digest.h"
#include "lib/base/printable.h"
#include "lib/ssh/one_line.h"

namespace mailhub::remote {
namespace {

using engine::HostQuestion;
using engine::Known;

constexpr size_t kPiece = 8192;
constexpr size_t kLongestLine = 300;

// Fills a report in the order of the questions. What is not answered stays unknown.
class Report {
 public:
  explicit Report(std::string host) { report_.host = std::move(host); }

  void Say(HostQuestion about, Known known, std::string why) {
    report_.facts.push_back({about, known, std::move(why)});
  }
  // The rest is unknown for this reason.
  engine::HostReport Rest(const std::string& why) {
    for (const auto& [question, word] : WordsOf(HostQuestion())) {
      const bool said = std::ranges::any_of(
          report_.facts, [&, asked = question](const auto& fact) { return fact.about == asked; });
      if (!said) report_.facts.push_back({question, Known::kUnknown, why});
    }
    std::ranges::sort(report_.facts, {}, &engine::HostFact::about);
    return std::move(report_);
  }

 private:
  engine::HostReport report_;
};

// What a failed connect tells of the first three questions.
engine::HostReport NotConnected(Report report, const ssh::ConnectError& failure) {
  using ssh::ConnectFailure;
  const std::string& why = failure.error.message;
  switch (failure.reason) {
    case ConnectFailure::kResolve:
    case ConnectFailure::kConnect:
    case ConnectFailure::kTimeout:
      report.Say(HostQuestion::kReachable, Known::kNo, why);
      return report.Rest("the host was not reached");
    case ConnectFailure::kOwnLimits:
      report.Say(HostQuestion::kReachable, Known::kUnknown, why);
      return report.Rest("the host was not asked");
    case ConnectFailure::kHostKey:
      report.Say(HostQuestion::kReachable, Known::kYes, "");
      report.Say(HostQuestion::kHostKey, Known::kNo, why);
      return report.Rest("the host's key is not accepted");
    case ConnectFailure::kAuth:
      report.Say(HostQuestion::kReachable, Known::kYes, "");
      report.Say(HostQuestion::kHostKey, Known::kYes, "");
      report.Say(HostQuestion::kLogin, Known::kNo, why);
      return report.Rest("the login does not work");
    case ConnectFailure::kOwnFiles:
      report.Say(HostQuestion::kReachable, Known::kUnknown, "the host was not asked");
      report.Say(HostQuestion::kLogin, Known::kNo, why);
      return report.Rest("the login does not work");
    case ConnectFailure::kProtocol:
      report.Say(HostQuestion::kReachable, Known::kYes, "");
      report.Say(HostQuestion::kLogin, Known::kNo, why);
      return report.Rest("the login does not work");
  }
  return report.Rest(why);
}

// The part of the text's line that begins with `word`.
std::string After(const std::string& text, const std::string& word) {
  const size_t at = text.find(word);
  if (at == std::string::npos) return "";
  const size_t begin = at + word.size();
  return Excerpt(text.substr(begin, text.find('\n', begin) - begin), kLongestLine);
}

// The look at a host's directory without a runner. Prints one word a line; changes nothing.
std::string LookScript(const LinkOptions& options) {
  return std::string(StrictScript()) + "d=" + options.directory + "; f=" + RunnerPath(options) +
         "\nsame() { [ \"$(sha256sum <\"$1\" 2>/dev/null)\" = \"" + RunnerDigest() +
         "  -\" ]; }\n" +
         "[ ! -e \"$d\" ] || strict \"$d\" || { echo \"mailhub-no: $strict_problem\"; exit; }\n"
         "command -v sha256sum >/dev/null || { echo 'mailhub-no: there is no sha256sum'; exit; }\n"
         "same \"$f\" && { echo mailhub-is-here; exit; }\n"
         "p=$d/bin; until [ -e \"$p\" ]; do p=${p%/*}; p=${p:-/}; done\n"
         "[ -w \"$p\" ] || { echo \"mailhub-no: $(id -un) may not write to $p\"; exit; }\n"
         "echo mailhub-may\n"
         "[ ! -e \"$d/fence\" ] || echo \"mailhub-fence: $(cat \"$d/fence\" 2>&1)\"";
}

// What an earlier runner has left there says whom the host obeys.
void SayFence(const std::string& fence, const engine::HostCheck& check, Report* report) {
  if (fence.empty()) {
    return report->Say(HostQuestion::kFence, Known::kYes, "the host obeys no journal yet");
  }
  const size_t space = fence.find(' ');
  const std::string journal = fence.substr(0, space);
  uint64_t epoch = 0;
  if (space != std::string::npos) {
    const char* const begin = fence.data() + space + 1;
    const auto [end, error] = std::from_chars(begin, fence.data() + fence.size(), epoch);
    if (error == std::errc() && end == fence.data() + fence.size()) {
      if (journal == check.journal_id && epoch <= check.epoch) {
        return report->Say(HostQuestion::kFence, Known::kYes, "");
      }
      return report->Say(HostQuestion::kFence, Known::kNo,
                         "the host obeys journal " + journal + " and its epoch " +
                             std::to_string(epoch) + ", not " + check.journal_id + " and " +
                             std::to_string(check.epoch) +
                             ": 'mailhubctl takeover HOST --reason WHY' decides");
    }
  }
  report->Say(HostQuestion::kFence, Known::kUnknown,
              "the host's fence says \"" + fence + "\", which is no journal and epoch");
}

// One line for each command. The text of a free command is not needed to know whether it is allowed.
std::string Lines(const std::vector<std::string>& commands) {
  std::string lines;
  for (const std::string& command : commands) {
    const bool named = command.starts_with('@') && command.find('\n') == std::string::npos;
    lines += (lines.empty() ? "" : "\n") + (named ? command : std::string("free"));
  }
  return lines;
}

// `refused`: "NUMBER SENTENCE" for each line that the host refuses.
void SayCommands(const std::string& refused, bool truncated, bool installed,
                 const std::vector<std::string>& commands, Report* report) {
  if (refused.empty() && !truncated) {
    return report->Say(HostQuestion::kCommands, Known::kYes,
                       installed ? "" : "an uploaded runner runs what its account may");
  }
  std::string why;
  for (size_t at = 0; at < refused.size();) {
    const size_t end = std::min(refused.find('\n', at), refused.size());
    size_t number = 0;
    const auto [rest, error] = std::from_chars(refused.data() + at, refused.data() + end, number);
    const bool known = error == std::errc() && number >= 1 && number <= commands.size();
    why += why.empty() ? "" : "; ";
    if (known) why += "\"" + Excerpt(commands[number - 1], 60) + "\": ";
    why += Excerpt(refused.substr(at, end - at).substr(rest - refused.data() - at), kLongestLine);
    at = end + 1;
  }
  report->Say(HostQuestion::kCommands, Known::kNo, why + (truncated ? "; and more" : ""));
}

// The runner's own word for a refusal; all else may pass.
Known KnownOf(const std::string& word, const char* good) {
  return word == good ? Known::kYes : word == "refused" ? Known::kNo : Known::kUnknown;
}

std::string WhyNot(const std::string& word, const char* good, const std::string& detail) {
  if (word == good || !detail.empty()) return detail;
  return "the runner says \"" + Excerpt(word, 60) + "\" and no reason";
}

// The runner has answered.
engine::HostReport Answered(Report report, const engine::RemoteReply& reply, const Checked& checked,
                            bool installed, const engine::HostCheck& check) {
  if (checked.runner.empty()) {
    report.Say(HostQuestion::kRunner, Known::kUnknown,
               "it answered without its digest: has the host sha256sum?");
  } else {
    const bool other = installed && checked.runner != RunnerDigest();
    report.Say(HostQuestion::kRunner, Known::kYes,
               other ? "it is another version than this actuator's, of the same protocol" : "");
  }
  if (checked.receipts == "absent") {
    report.Say(HostQuestion::kReceipts, Known::kYes, "the directory is made by the first step");
  } else {
    report.Say(HostQuestion::kReceipts, KnownOf(checked.receipts, "ready"),
               WhyNot(checked.receipts, "ready", checked.receipts_detail));
  }
  report.Say(HostQuestion::kFence, KnownOf(checked.fence, "free"),
             WhyNot(checked.fence, "free", checked.fence_detail));
  SayCommands(reply.receipt->output, reply.receipt->truncated, installed, check.commands, &report);
  return report.Rest("");
}

struct Exchanged {
  engine::RemoteReply reply;
  Checked checked;
};

Result<Exchanged> Ask(ssh::Session* session, const std::string& runner,
                      const engine::HostCheck& check) {
  engine::RemoteRequest request;
  request.host = check.host;
  request.command = Lines(check.commands);
  Exchange exchange;
  exchange.nonce = RandomHex(64);
  exchange.check = true;
  const auto text = EncodeRequest(request, {check.journal_id, check.epoch}, exchange);
  if (!text) return Fail(text.error());
  auto channel = session->OpenChannel(runner, check.deadline);
  if (!channel) return Fail(channel.error());
  if (const Status written = (*channel)->Write(*text, check.deadline); !written) {
    return Fail(written.error());
  }
  ReplyReader reader(exchange.nonce, Told::kChecked);
  for (;;) {
    std::string bytes;
    const auto state = (*channel)->Read(&bytes, kPiece, check.deadline);
    if (!state) return Fail(state.error());
    if (*state == ssh::ReadState::kTimeout) {
      return Fail(ErrorKind::kUnreachable, "the runner has not answered in time");
    }
    if (*state == ssh::ReadState::kEof) {
      return Fail(ErrorKind::kNotFound, "the runner ended without an answer: " +
                                            Excerpt((*channel)->TakeStderr(), kLongestLine));
    }
    if (reader.Feed(bytes)) return Exchanged{reader.Take(check.host), reader.checked()};
  }
}

// No answer, or an error: what it means for the runner.
engine::HostReport NoAnswer(Report report, const Error& error, bool installed) {
  // A runner without this verb takes the request for one that must name the receipts.
  const bool older = error.kind == ErrorKind::kInvalid || error.kind == ErrorKind::kCorrupt;
  if (installed && older) {
    report.Say(HostQuestion::kRunner, Known::kUnknown,
               "the installed runner is older than this actuator and cannot be asked: install the "
               "newer one (mailhub_actuator --print-runner)");
    return report.Rest("the runner is too old to say");
  }
  const bool absent = installed && error.kind == ErrorKind::kNotFound;
  report.Say(HostQuestion::kRunner,
             absent || error.kind == ErrorKind::kRefused ? Known::kNo : Known::kUnknown,
             absent ? error.message + ": is the runner installed there?" : error.message);
  return report.Rest("the runner has not answered");
}

}  // namespace

HostChecks::HostChecks(std::shared_ptr<const config::Site> site, LinkOptions options)
    : options_(std::move(options)), site_(std::move(site)) {}

void HostChecks::UseSite(std::shared_ptr<const config::Site> site) {
  site_.With([&](auto& shared) { shared = std::move(site); });
}

engine::HostReport HostChecks::Check(const engine::HostCheck& check) {
  const auto site = site_.Copy();
  Report report(check.host);
  const config::Host* host = site->FindHost(check.host);
  if (host == nullptr || host->platform == config::Platform::kWindows) {
    report.Say(HostQuestion::kReachable, Known::kUnknown, "the host was not asked");
    report.Say(
        HostQuestion::kRunner, Known::kNo,
        host == nullptr ? "it is not in the site file any more" : "no step can run on windows");
    return report.Rest("the host was not asked");
  }
  const RealClock clock;
  const SteadyTime connect_by = std::min(clock.Steady() + options_.connect_timeout, check.deadline);
  auto session =
      ssh::Session::Connect(TargetOf(*site, *host), connect_by, check.deadline, &cancel_);
  if (!session) return NotConnected(std::move(report), session.error());
  report.Say(HostQuestion::kReachable, Known::kYes, "");
  report.Say(HostQuestion::kHostKey, Known::kYes, "");
  report.Say(HostQuestion::kLogin, Known::kYes, "");
  const bool installed = host->runner == config::RunnerForm::kInstalled;
  if (!installed) {
    const auto looked = (*session)->Exec(ssh::OneLine("exec sh", LookScript(options_)),
                                         std::string_view(), {}, check.deadline);
    if (!looked) return NoAnswer(std::move(report), looked.error(), false);
    if (const std::string no = After(looked->out, "mailhub-no: "); !no.empty()) {
      report.Say(HostQuestion::kRunner, Known::kNo, "the runner cannot be put there: " + no);
      return report.Rest("the runner is not there");
    }
    if (looked->out.find("mailhub-may") != std::string::npos) {
      report.Say(HostQuestion::kRunner, Known::kYes, "it is put there by the first step");
      report.Say(HostQuestion::kReceipts, Known::kUnknown,
                 "the runner is not there yet; its first request checks the rest");
      SayFence(After(looked->out, "mailhub-fence: "), check, &report);
      SayCommands("", false, false, check.commands, &report);
      return report.Rest("");
    }
    if (looked->out.find("mailhub-is-here") == std::string::npos) {
      return NoAnswer(std::move(report),
                      Error{ErrorKind::kUnreachable,
                            "no shell answered: " + Excerpt(looked->err, kLongestLine)},
                      false);
    }
  }
  const auto answer = Ask(session->get(), RunnerCommand(options_, host->runner), check);
  if (!answer) return NoAnswer(std::move(report), answer.error(), installed);
  if (!answer->reply.receipt) {
    return NoAnswer(std::move(report), answer->reply.receipt.error(), installed);
  }
  return Answered(std::move(report), answer->reply, answer->checked, installed, check);
}

}  // namespace mailhub::remote
