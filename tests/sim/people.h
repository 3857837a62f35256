// The people of a simulated site. Each looks at times, decides on what was seen, and acts at once
// or later, when that may be out of date. A request without an answer is repeated.
#pragma once

#include <functional>
#include <string>

#include "tests/sim/actuator.h"
#include "tests/sim/engine_seams.h"
#include "tests/sim/known.h"
#include "tests/sim/world.h"

namespace mailhub::sim {

// Confined to one thread; the constructor's arguments outlive it.
class People {
 public:
  struct Site {
    World* world = nullptr;
    const Known* known = nullptr;
    std::function<Actuator*()> actuator;  // null: there is no actuator
    std::function<void()> settle;         // after each request
    std::function<bool()> safe;           // whether faults may occur
  };
  explicit People(Site site);

  void Begin();

 private:
  // A person's observation and wish.
  struct Wish {
    engine::Command command;
    Asked asked;
    int tries = 0;
  };

  Person Who(int person) const;
  void Look(int person);
  std::optional<Wish> Want(const engine::Run& run, const Person& person);
  std::optional<engine::Verb> WhatToDo(const engine::Run& run, const OpenHold& hold,
                                       const Person& person);
  std::optional<engine::Verb> AboutQuestion(const engine::Run& run, const engine::Step& step,
                                            const Person& person, uint64_t choice);
  std::optional<engine::Verb> AboutLease(const engine::Run& run, const OpenHold& hold,
                                         uint64_t choice);
  void Start(const Person& person);
  void Ask(Wish wish);
  void AskLater(Wish wish, int64_t ms);

  const Site site_;
  bool stale_ = false;
  bool restless_ = false;
  bool second_approves_ = false;
  int requests_ = 0;
};

}  // namespace mailhub::sim
