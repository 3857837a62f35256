// See find_run.h.
#include "actuator/api/find_run.h"

#include "actuator/engine/beginning.h"

namespace mailhub::api {

Result<const engine::RunView*> FindRun(const engine::View& view, const std::string& id) {
  if (id.size() < engine::kShortestBeginning) return nullptr;
  engine::FindByBeginning<const engine::RunView> search("runs", id);
  for (const auto* runs : {&view.unfinished, &view.finished})
    for (const engine::RunView& run : *runs) search.Look(run.id, &run);
  return search.Found();
}

Result<std::string> FindEpisode(const engine::View& view, const std::string& fingerprint) {
  engine::FindByBeginning<const engine::EpisodeView> search("episodes", fingerprint);
  for (const engine::EpisodeView& episode : view.episodes)
    search.Look(episode.fingerprint, &episode);
  const auto found = search.Found();
  if (!found) return Fail(found.error());
  return *found == nullptr ? fingerprint : (*found)->fingerprint;
}

}  // namespace mailhub::api
