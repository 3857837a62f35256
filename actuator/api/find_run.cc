// See find_run.h.
#include "actuator/api/find_run.h"

namespace mailhub::api {

constexpr size_t kShortestBeginning = 6;

Result<const engine::RunView*> FindRun(const engine::View& view, const std::string& id) {
  const engine::RunView* found = nullptr;
  if (id.size() < kShortestBeginning) return found;
  for (const auto* runs : {&view.unfinished, &view.finished}) {
    for (const engine::RunView& run : *runs) {
      if (run.id == id) return &run;
      if (!run.id.starts_with(id)) continue;
      if (found != nullptr) return Fail(ErrorKind::kInvalid, "several runs begin with " + id);
      found = &run;
    }
  }
  return found;
}

Result<std::string> FindEpisode(const engine::View& view, const std::string& fingerprint) {
  const engine::EpisodeView* found = nullptr;
  for (const engine::EpisodeView& episode : view.episodes) {
    if (episode.fingerprint == fingerprint) return fingerprint;
    if (!episode.fingerprint.starts_with(fingerprint)) continue;
    if (found != nullptr)
      return Fail(ErrorKind::kInvalid, "several episodes begin with " + fingerprint);
    found = &episode;
  }
  return found == nullptr ? fingerprint : found->fingerprint;
}

}  // namespace mailhub::api
