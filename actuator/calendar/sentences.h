// Why a run may not start at this moment, as people read it. Each sentence is written here only, with {places} that Say
// fills (lib/base/sentence.h); docs/sentences.md explains each, and tests/sentences_test.py compares it with this table.
#pragma once

#include "lib/base/sentence.h"

namespace mailhub::calendar {

enum class Unsuitable {
  kClosed,
  kClosedForLong,
  kBlackout,
  kLongBlackout,
  kOtherRun,
  kTooShortForBlackout,
  kTooShortForRun,
  kTooShortForWindow,
  kTooShortForKnown,
  kNoSuchName,
  kNotKnown,
  kOutside,
  kNextSlot,
  kNextSlotOpen,
  kNoSlot,
  kNotLookedFor,
};
constexpr auto WordsOf(Unsuitable) {
  using enum Unsuitable;
  return Vocabulary<Unsuitable>({
      {kClosed, "window «{name}» is closed until {time}"},
      {kClosedForLong, "window «{name}» is closed until after {time}"},
      {kBlackout, "blackout «{name}» until {time}"},
      {kLongBlackout, "blackout «{name}» until after {time}"},
      {kOtherRun, "another run has this time until {time}"},
      {kTooShortForBlackout, "needs {needed}, {left} are left until blackout «{name}» begins"},
      {kTooShortForRun, "needs {needed}, {left} are left until another run's time begins"},
      {kTooShortForWindow, "needs {needed}, {left} are left of {names}"},
      {kTooShortForKnown, "needs {needed}, {left} are left of the time that is known"},
      {kNoSuchName,
       "it is unknown when {kind} «{name}» holds: the calendar does not have this name"},
      {kNotKnown, "it is unknown whether «{name}» holds: it is known from {time} to {time} only"},
      {kOutside, "the time is outside the years 1970 to 2099"},
      {kNextSlot, "next slot: {time} to {time}"},
      {kNextSlotOpen, "next slot: {time}, without an end that is known"},
      {kNoSlot, "no slot of {needed} was found that begins before {time}"},
      {kNotLookedFor, "no slot can be looked for"},
  });
}

}  // namespace mailhub::calendar
