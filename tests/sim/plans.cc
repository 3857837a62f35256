// See plans.h.
#include "tests/sim/plans.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "actuator/runbook/library.h"
#include "tests/sim/made_up.h"

namespace mailhub::sim {

namespace {

using runbook::RunbookLibrary;
using Library = std::shared_ptr<const RunbookLibrary>;

[[noreturn]] void Give(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

Library LoadShipped() {
  auto site = config::LoadSite(MAILHUB_SOURCE_DIR "/tests/lab/config/site.yml");
  if (!site) Give(site.error().message);
  auto library = RunbookLibrary::Load(MAILHUB_SOURCE_DIR "/actuator/runbooks",
                                      std::make_shared<const config::Site>(std::move(*site)));
  if (!library) Give(library.error().message);
  return *library;
}

// Parameters with which a simulated hour is enough for a whole rebuild.
Parameters ShortWindows() {
  return {{"quiet_window", "10s"}, {"quiet_for", "3s"}, {"quiet_timeout", "10m"}};
}

engine::Trigger On(const std::string& alert, const std::string& runbook) {
  engine::Trigger trigger;
  trigger.name = alert;
  trigger.matchers = {{"alertname", engine::Matcher::Op::kEqual, alert}};
  trigger.runbook = runbook;
  return trigger;
}

class Shipped final : public Playbook {
 public:
  Shipped() {
    static const Library library = LoadShipped();
    library_ = library;
    triggers_ = {On("TablesStale", "mailhub-rebuild"), On("DirectoryTooBig", "directory-restart")};
    for (engine::Trigger& trigger : triggers_) trigger.parameters = ShortWindows();
    triggers_[0].parameters_from_labels = {{"mailhub", "instance"}};
    triggers_[1].only_if =
        "mailhub_process_resident_memory_bytes{instance=\"x500\",process=\"eddy\"} > 500e6";
    triggers_[1].on_resolved = engine::OnResolved::kCancel;
    startable_ = {{"directory-restart", ShortWindows()}};
  }
  bool made_up() const override { return false; }

 private:
  Result<engine::Plan> Expand(const std::string& runbook,
                              const Parameters& parameters) const override {
    return library_->Make(runbook, parameters);
  }
  Library library_;
};

// Two alerts for each runbook, so that one can join the other's run.
class MadeUp final : public Playbook {
 public:
  explicit MadeUp(uint64_t seed) : books_(MakeUpRunbooks(seed)) {
    static const auto site = [] {
      auto parsed = config::ParseSite(kMadeUpSite, "site.yml");
      if (!parsed) Give(parsed.error().message);
      return std::make_shared<const config::Site>(std::move(*parsed));
    }();
    std::vector<runbook::Source> sources;
    for (const MadeUpRunbook& book : books_) sources.push_back({book.name + ".yml", book.yaml});
    auto library = RunbookLibrary::Parse(sources, site);
    if (!library) Give(library.error().message + '\n' + Text());
    library_ = *library;
    times_ = MakeUpTimes(seed);
    uint64_t random = seed;
    for (const MadeUpRunbook& book : books_) {
      if (book.name == "made-part") continue;
      startable_.push_back({book.name, book.has_host ? Parameters{{"box", "box1"}} : Parameters{}});
      for (const char* kind : {"Needs-", "Wants-"}) {
        engine::Trigger trigger = On(kind + book.name, book.name);
        if (book.has_host) trigger.parameters_from_labels = {{"box", "instance"}};
        random = random * 6364136223846793005 + 1442695040888963407;
        if ((random >> 33) % 3 == 0) trigger.on_resolved = engine::OnResolved::kCancel;
        if ((random >> 35) % 2 == 0) trigger.cooldown = Milliseconds(120'000);
        if ((random >> 37) % 3 == 0) {
          trigger.only_if = "mailhub_check_value{instance=\"box1\",check=\"need\"} >= 1";
        }
        trigger.attempts = 1 + static_cast<int>((random >> 45) % 3);
        trigger.still_firing_after = Milliseconds((random >> 47) % 2 == 0 ? 60'000 : 180'000);
        if ((random >> 41) % 5 == 0) trigger.suitable.windows = {"also"};
        if ((random >> 43) % 5 == 0) trigger.suitable.blackouts = {"closed"};
        triggers_.push_back(trigger);
      }
    }
  }
  bool made_up() const override { return true; }
  std::string Text() const override {
    std::string text;
    for (const MadeUpRunbook& book : books_) text += book.yaml + '\n';
    return text;
  }

 private:
  Result<engine::Plan> Expand(const std::string& runbook,
                              const Parameters& parameters) const override {
    return library_->Make(runbook, parameters);
  }
  const std::vector<MadeUpRunbook> books_;
  Library library_;
};

}  // namespace

const Result<engine::Plan>& Playbook::Make(const std::string& runbook,
                                           const Parameters& parameters) const {
  const auto key = std::make_pair(runbook, parameters);
  const auto found = kept_.find(key);
  if (found != kept_.end()) return found->second;
  return kept_.emplace(key, Expand(runbook, parameters)).first->second;
}

std::shared_ptr<const Playbook> ShippedPlaybook() {
  // One per thread: no lock for every alert.
  thread_local const std::shared_ptr<const Playbook> kept = std::make_shared<Shipped>();
  return kept;
}

std::shared_ptr<const Playbook> MadeUpPlaybook(uint64_t seed) {
  return std::make_shared<MadeUp>(seed);
}

}  // namespace mailhub::sim
