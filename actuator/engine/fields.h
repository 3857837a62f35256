// Describes the fields of everything that a journal holds, each once. The journal's reader and
// writer and the API all follow this list.
//
// An archive is called with each field's name and the field: a(name, value). a.Added() is a field
// that journals of an older version lack, a.Plan() the plan of a run. Names end in "_ms" where the
// value is a time or a duration.
#pragma once

#include "actuator/engine/event.h"

namespace mailhub::engine {

template <typename Archive>
void Fields(Archive& a, Gate& v) {
  a("expr", v.expr);
  a("about", v.about);
  a("window_ms", v.window);
  a("hold_for_ms", v.hold_for);
  a("expect", v.expect);
  a("timeout_ms", v.timeout);
}
template <typename Archive>
void Fields(Archive& a, DeadMan& v) {
  a("restore", v.restore);
  a("after_ms", v.after);
  a("until", v.until);
}
template <typename Archive>
void Fields(Archive& a, Approval& v) {
  a("by", v.by);
  a("not_the_starter", v.not_the_starter);
  a("timeout_ms", v.timeout);
}
template <typename Archive>
void Fields(Archive& a, Step& v) {
  a("path", v.path);
  a("name", v.name);
  a("kind", v.kind);
  a("host", v.host);
  a("command", v.command);
  a("timeout_ms", v.timeout);
  a("attempts", v.attempts);
  a("retry_delay_ms", v.retry_delay);
  a.Added("success", v.success);
  a("idempotent", v.idempotent);
  a("gate", v.gate);
  a("dead_man", v.dead_man);
  a.Added("approval", v.approval);
  a("on_failure", v.on_failure);
}
template <typename Archive>
void Fields(Archive& a, AlwaysStep& v) {
  a("step", v.step);
  a("since", v.since);
  a("until", v.until);
}
template <typename Archive>
void Fields(Archive& a, Plan& v) {
  a("runbook", v.runbook);
  a("summary", v.summary);
  a("parameters", v.parameters);
  a("target", v.target);
  a("locks", v.locks);
  a("steps", v.steps);
  a("always", v.always);
  a("commit", v.commit);
  a("expected_ms", v.expected);
  a.Added("windows", v.suitable.windows);
  a.Added("blackouts", v.suitable.blackouts);
}
template <typename Archive>
void Fields(Archive& a, Receipt& v) {
  a("state", v.state);
  a("exit_status", v.exit_status);
  a("output", v.output);
  a("truncated", v.truncated);
  a("duration_ms", v.duration);
}

template <typename Archive>
void Fields(Archive& a, ActuatorStarted& v) {
  a("epoch", v.epoch);
  a("version", v.version);
}
template <typename Archive>
void Fields(Archive& a, ModeChanged& v) {
  a("mode", v.mode);
  a("by", v.by);
}
template <typename Archive>
void Fields(Archive& a, AlertDecided& v) {
  a("notification", v.notification);
  a("fingerprint", v.fingerprint);
  a("alertname", v.alertname);
  a("labels", v.labels);
  a("firing", v.firing);
  a("starts_at_ms", v.starts_at);
  a("trigger", v.trigger);
  a("decision", v.decision);
  a("detail", v.detail);
  a("run", v.run);
  a.Added("newest_start_ms", v.newest_start);
  a.Added("tries", v.tries);
  a.Added("by", v.by);
}
template <typename Archive>
void Fields(Archive& a, RunQueued& v) {
  a.Plan("plan", v.plan);
  a("trigger", v.trigger);
  a("fingerprint", v.fingerprint);
  a("by", v.by);
  a("only_if", v.only_if);
  a.Added("at_once", v.at_once);
  a.Added("by_login", v.by_login);
}
template <typename Archive>
void Fields(Archive&, RunStarted&) {}
template <typename Archive>
void Fields(Archive& a, RunDropped& v) {
  a("why", v.why);
}
template <typename Archive>
void Fields(Archive& a, StepStarted& v) {
  a("path", v.path);
  a("attempt", v.attempt);
  a("directory_id", v.directory_id);
}
template <typename Archive>
void Fields(Archive& a, StepSettled& v) {
  a("path", v.path);
  a("attempt", v.attempt);
  a("receipt", v.receipt);
  a("receipts_lost", v.receipts_lost);
}
template <typename Archive>
void Fields(Archive& a, StepDone& v) {
  a("path", v.path);
  a("result", v.result);
  a("took_ms", v.took);
  a("detail", v.detail);
}
template <typename Archive>
void Fields(Archive& a, DeadManArmed& v) {
  a("path", v.path);
  a("host", v.host);
  a("after_ms", v.after);
  a("directory_id", v.directory_id);
}
template <typename Archive>
void Fields(Archive& a, DeadManDisarmed& v) {
  a("path", v.path);
  a.Added("generation", v.generation);
  a.Added("exit_status", v.exit_status);
}
template <typename Archive>
void Fields(Archive& a, DeadManRestored& v) {
  a("path", v.path);
  a("detail", v.detail);
  a.Added("generation", v.generation);
  a.Added("exit_status", v.exit_status);
}
template <typename Archive>
void Fields(Archive& a, RunHeld& v) {
  a("path", v.path);
  a("reason", v.reason);
  a("detail", v.detail);
}
template <typename Archive>
void Fields(Archive& a, OperatorActed& v) {
  a("verb", v.verb);
  a("path", v.path);
  a("by", v.by);
  a("detail", v.detail);
  a.Added("hold", v.hold);
}
template <typename Archive>
void Fields(Archive& a, RunEnding& v) {
  a("result", v.result);
  a("detail", v.detail);
}
template <typename Archive>
void Fields(Archive& a, RunFinished& v) {
  a("result", v.result);
  a("detail", v.detail);
  a.Added("worked_ms", v.worked);
}
template <typename Archive>
void Fields(Archive&, RunSwept&) {}
template <typename Archive>
void Fields(Archive& a, HostTakeover& v) {
  a("host", v.host);
  a("by", v.by);
  a("detail", v.detail);
}

template <typename Archive>
void Fields(Archive& a, EpisodeClosed& v) {
  a("fingerprint", v.fingerprint);
  a("by", v.by);
  a("detail", v.detail);
}

}  // namespace mailhub::engine
