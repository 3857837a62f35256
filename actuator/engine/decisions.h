// Decides alerts. Every alert of every notification gets exactly one decision, in the same commit;
// a waiting alert is decided again without a notification.
#pragma once

#include "actuator/engine/context.h"
#include "actuator/engine/episodes.h"
#include "actuator/engine/history.h"
#include "actuator/engine/runs.h"

namespace mailhub::engine {

class Decisions {
 public:
  // All must outlive it.
  Decisions(const Context* context, Runs* runs, const Episodes* episodes, const History* history);

  // Decides all of its alerts, or refuses the notification with kOverloaded.
  Status Notify(const Notification& notification);
  // Decides due alerts again; records only a changed decision.
  void DecideAfresh(const std::vector<std::string>& fingerprints);
  // Decides alerts that still fire although their run has succeeded: each may have another one.
  void TryAgain(const std::vector<std::string>& fingerprints);
  // A person wants the alert's next notification to be decided anew.
  Result<std::string> Close(const CloseEpisode& close);

 private:
  bool HasRoomFor(const Notification& notification) const;
  const Trigger* FindTrigger(const Alert& alert) const;
  void Decide(const Notification& notification, const Alert& alert);
  bool IsRepeat(const Alert& alert) const;
  bool IsLateCopy(const Alert& alert) const;
  Decision DecideFiring(const Alert& alert, const Trigger& trigger, AlertDecided* record);
  Decision DecideAnswer(const Alert& alert, const Trigger& trigger, AlertDecided* record);
  Decision DecideRun(Plan plan, const Alert& alert, const Trigger& trigger, AlertDecided* record);
  Decision DecideJoining(const Run& run, AlertDecided* record) const;
  Decision DecideResolved(const Alert& alert, const Trigger& trigger, AlertDecided* record);
  bool MayBeCancelledByItsAlerts(const Run& run) const;

  const Context& context_;
  Runs& runs_;
  const Episodes& episodes_;
  const History& history_;
};

}  // namespace mailhub::engine
