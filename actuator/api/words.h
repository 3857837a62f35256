// The words of an enumeration of the engine, in their order, however many it has.
#pragma once

#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/view.h"

namespace mailhub::api {

template <typename Enum>
std::vector<std::string> Words() {
  std::vector<std::string> words;
  for (int value = 0;; ++value) {
    std::string word = engine::Name(static_cast<Enum>(value));
    if (word == "?") return words;  // what the engine says of a value that it does not have
    words.push_back(std::move(word));
  }
}

}  // namespace mailhub::api
