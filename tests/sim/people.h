// The people of a simulated site: each looks now and then, decides on what was seen, and acts on it
// at once or only later, when it may no longer be so. A request that got no answer is repeated.
#pragma once

#include <functional>
#include <string>

#include "tests/sim/actuator.h"
#include "tests/sim/engine_seams.h"
#include "tests/sim/known.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

// Confined to one thread; what it is given outlives it.
class People {
 public:
  struct Site {
    World* world = nullptr;
    const Known* known = nullptr;
    std::function<Actuator*()> actuator;  // null: nobody answers
    std::function<void()> settle;         // after each request
    std::function<bool()> safe;           // faults are about
  };
  explicit People(Site site);

  void Begin();

 private:
  // What a person saw and wants.
  struct Wish {
    engine::Command command;
    Asked asked;
    int tries = 0;
  };

  void Look(int person);
  std::optional<Wish> Want(const engine::Run& run, const std::string& person);
  std::optional<engine::Verb> WhatToDo(const engine::Run& run, const OpenHold& hold);
  std::optional<engine::Verb> AboutLease(const engine::Run& run, const OpenHold& hold,
                                         uint64_t choice);
  void Start(const std::string& person);
  void Ask(Wish wish);
  void AskLater(Wish wish, int64_t ms);

  const Site site_;
  bool stale_ = false;
  bool restless_ = false;
  int requests_ = 0;
};

}  // namespace mailhub::sim
