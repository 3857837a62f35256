// The service managers, in one table for all that must agree: the site file's reader, the exporter,
// which asks them, and the actuator, whose runner starts and stops by them. Each has a part of the
// helper and a part of the runner, too.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "lib/base/words.h"
#include "lib/config/names.h"
#include "lib/config/platform.h"

namespace mailhub::config {

enum class ServiceKind { kSystemd, kSysv, kWindows };
constexpr auto WordsOf(ServiceKind) {
  using enum ServiceKind;
  return Vocabulary<ServiceKind>({{kSystemd, "systemd"}, {kSysv, "sysv"}, {kWindows, "windows"}});
}

// What is said of a platform's services unless the site file says otherwise.
constexpr ServiceKind UsualKind(Platform platform) {
  switch (platform) {
    case Platform::kLinux:
      return ServiceKind::kSystemd;
    case Platform::kPosix:
      return ServiceKind::kSysv;
    case Platform::kWindows:
      return ServiceKind::kWindows;
  }
  return ServiceKind::kSystemd;
}

enum class ServiceState { kActive, kActivating, kDeactivating, kInactive, kFailed, kAbsent };
constexpr auto WordsOf(ServiceState) {
  using enum ServiceState;
  return Vocabulary<ServiceState>({
      {kActive, "active"},
      {kActivating, "activating"},
      {kDeactivating, "deactivating"},
      {kInactive, "inactive"},
      {kFailed, "failed"},
      {kAbsent, "absent"},
  });
}

// What the helper's answer about a service means. Any other answer means that nothing is known.
struct ServiceAnswer {
  std::string_view answer;
  ServiceState state;
};

// The exit statuses of a status script (LSB): 0 runs, 1 and 2 died and left a trace, 3 does not run.
inline constexpr std::array kSysvAnswers = {
    ServiceAnswer{"0", ServiceState::kActive}, ServiceAnswer{"1", ServiceState::kFailed},
    ServiceAnswer{"2", ServiceState::kFailed}, ServiceAnswer{"3", ServiceState::kInactive},
    ServiceAnswer{"absent", ServiceState::kAbsent}};

struct ServiceManager {
  // Begins its lines in the helper's requests, and in the answers below. Empty: no helper asks it.
  std::string_view request;
  // Empty: systemctl and sc say more than a word; services.cc and windows_services.cc read that.
  std::span<const ServiceAnswer> answers;
  AllowList names;
  std::string_view name_key = "name";  // of the site file, where the label is not its name
  std::string_view name_rule = "expected letters, digits and the usual signs";
  std::string_view suffix = "";  // of a name that is made of the label; each name has one then
};

constexpr ServiceManager ManagerOf(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kSystemd:
      return {
          .request = "unit",
          .answers = {},
          .names = kUnitNames,
          .name_key = "unit",
          .name_rule = "expected a unit with its suffix, and not a template, as exim@out.service",
          .suffix = ".service"};
    case ServiceKind::kSysv:
      return {.request = "sysv", .answers = kSysvAnswers, .names = kServiceNames};
    case ServiceKind::kWindows:
      return {.request = "", .answers = {}, .names = kWindowsServiceNames};
  }
  return {};
}

}  // namespace mailhub::config
