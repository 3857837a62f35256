// The error text for an unknown command. Pure.
#pragma once

#include <string>
#include <vector>

namespace mailhub::ctl {

// The word of `known` nearest to `word`; empty when none is near.
std::string Closest(const std::string& word, const std::vector<std::string>& known);

// A sentence. `before`: the words typed before it ("run"); `word`: the unknown word, empty when
// none was typed; `known`: the existing commands.
std::string MistypedText(const std::string& before, const std::string& word,
                         const std::vector<std::string>& known);

}  // namespace mailhub::ctl
