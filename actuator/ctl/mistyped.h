// What to say of a command that does not exist. Pure.
#pragma once

#include <string>
#include <vector>

namespace mailhub::ctl {

// The word of `known` that `word` is probably meant to be; empty when none is near.
std::string Closest(const std::string& word, const std::vector<std::string>& known);

// A sentence: `before` are the words typed before it ("run"), `word` the one that is not known or
// empty when none was typed, `known` the commands there are.
std::string MistypedText(const std::string& before, const std::string& word,
                         const std::vector<std::string>& known);

}  // namespace mailhub::ctl
