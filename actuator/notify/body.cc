// See body.h.
#include "actuator/notify/body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "actuator/api/render.h"

namespace mailhub::notify {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string InQuotes(std::string_view text) {
  return '"' + std::string(text) + '"';
}

// The only signs that the chat's own format gives a meaning to everywhere.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Code: it mentions nobody and has no links. A backtick would end it.
std::string AsCode(std::string_view text) {
  std::string code(text);
  std::ranges::replace(code, '`', '\'');
  return '`' + code + '`';
}

std::string WithLeftOut(std::string sentence, uint64_t left_out) {
  const std::string more = LeftOutSentence(left_out);
  return more.empty() ? sentence : sentence + "\n" + more;
}

Json Section(const std::string& text) {
  return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
}

const char* AlertName(const Notice& notice) {
  if (!notice.event) return "MailhubReceiverTest";
  switch (*notice.event) {
    case Happening::kHeld:
      return "MailhubRunHeld";
    case Happening::kWaiting:
      return "MailhubRunWaiting";
    case Happening::kFailed:
      return "MailhubRunFailed";
    case Happening::kFinished:
      return "MailhubRunFinished";
    case Happening::kLate:
      return "MailhubRunLate";
  }
  return "";
}

const char* Severity(const Notice& notice) {
  if (!notice.event || *notice.event == Happening::kFinished) return "info";
  return *notice.event == Happening::kHeld ? "critical" : "warning";
}

Json Labels(const Notice& notice) {
  Json labels = {{"alertname", AlertName(notice)}, {"severity", Severity(notice)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) labels[name] = value;
  };
  add("run", notice.runbook);
  add("run_id", notice.run);
  add("target", notice.target);
  if (notice.hold != 0) labels["hold"] = std::to_string(notice.hold);
  if (notice.event == Happening::kWaiting) add("step", notice.step);
  return labels;
}

Json AlertJson(const Alert& alert) {
  const Notice& notice = alert.notice;
  Json json = {{"labels", Labels(notice)},
               {"annotations",
                {{"summary", WithLeftOut(Sentence(notice, InQuotes), alert.left_out)},
                 {"commands", notice.commands},
                 {"id", notice.id}}},
               {"startsAt", api::FormatUtc(notice.at)},
               {"endsAt", api::FormatUtc(std::max(alert.ends, notice.at))}};
  if (!notice.link.empty()) json["generatorURL"] = notice.link;
  return json;
}

}  // namespace

std::string PlainBody(const Notice& notice, uint64_t left_out) {
  return Dump({{"version", "1"},
               {"id", notice.id},
               {"event", Word(notice)},
               {"at", api::FormatUtc(notice.at)},
               {"run", notice.run},
               {"runbook", notice.runbook},
               {"target", notice.target},
               {"by", notice.by},
               {"step", notice.step},
               {"step_name", notice.step_name},
               {"hold", notice.hold},
               {"reason", notice.reason},
               {"result", notice.result},
               {"detail", notice.detail},
               {"summary", Sentence(notice, InQuotes)},
               {"commands", notice.commands},
               {"link", notice.link},
               {"left_out", left_out}});
}

std::string SlackBody(const Notice& notice, uint64_t left_out) {
  std::string said = Escaped(WithLeftOut(Sentence(notice, AsCode), left_out));
  // A URL of ours has no sign that a chat could take for its own.
  if (!notice.link.empty()) said += "\n<" + notice.link + ">";
  const std::string typed = "```\n" + Escaped(notice.commands) + "\n```";
  return Dump(
      {{"text", said + "\n" + typed}, {"blocks", Json::array({Section(said), Section(typed)})}});
}

std::string AlertmanagerBody(const std::vector<Alert>& alerts) {
  Json list = Json::array();
  for (const Alert& alert : alerts) list.push_back(AlertJson(alert));
  return Dump(list);
}

std::string BodyOf(Format format, const Notice& notice, uint64_t left_out, WallTime ends) {
  switch (format) {
    case Format::kAlertmanager:
      return AlertmanagerBody({{notice, ends, left_out}});
    case Format::kSlack:
      return SlackBody(notice, left_out);
    case Format::kPlain:
      return PlainBody(notice, left_out);
  }
  return "";
}

}  // namespace mailhub::notify
