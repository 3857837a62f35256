// Who may answer a `confirm`.
#pragma once

#include <string>
#include <vector>

#include "actuator/engine/input.h"
#include "actuator/engine/run.h"
#include "lib/base/result.h"

namespace mailhub::engine {

// kRefused, with those who may, if this person may not answer the question of `step`. A name counts
// only after a login: whoever holds the API token may claim any. `queued`: how its run came to be.
Status MayApprove(const RunQueued& queued, const Step& step, const Command& command);

// "alice, approver; not ann, who started the run"; empty: everybody who may confirm.
std::string WhoMayApprove(const RunQueued& queued, const Step& step);

// Whether a person may answer one question of a run that has not begun.
struct AnswerRight {
  std::string path;  // of its step
  std::string step;  // the question
  std::string whom;  // as WhoMayApprove
  std::string why;   // why not; empty: the person may
};
// The questions of a plan, `always` steps last.
std::vector<Step> QuestionsOf(const Plan& plan);
// `person`: who asks; its `by`, `login` and `roles` count.
std::vector<AnswerRight> AnswerRights(const std::vector<Step>& questions, const RunQueued& queued,
                                      const Command& person);

}  // namespace mailhub::engine
