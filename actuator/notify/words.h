// What is told to receivers, and the formats: as the actuator's file, the API and the metrics name
// them.
#pragma once

#include "lib/base/words.h"

namespace mailhub::notify {

enum class Happening { kHeld, kWaiting, kFailed, kFinished, kLate };
constexpr auto WordsOf(Happening) {
  using enum Happening;
  return Vocabulary<Happening>({{kHeld, "held"},
                                {kWaiting, "waiting"},
                                {kFailed, "failed"},
                                {kFinished, "finished"},
                                {kLate, "late"}});
}

enum class Format { kAlertmanager, kSlack, kPlain };
constexpr auto WordsOf(Format) {
  using enum Format;
  return Vocabulary<Format>(
      {{kAlertmanager, "alertmanager"}, {kSlack, "slack"}, {kPlain, "plain"}});
}

// Why a notification is given up.
enum class Drop { kRefused, kTooOld, kTooMany };
constexpr auto WordsOf(Drop) {
  using enum Drop;
  return Vocabulary<Drop>({{kRefused, "refused"}, {kTooOld, "too_old"}, {kTooMany, "too_many"}});
}

}  // namespace mailhub::notify
