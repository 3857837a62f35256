// The directory's root process: `isode.eddy -D /dirtables/root`.
#pragma once

#include <string_view>

namespace lab {

// The main process finds the root process by this name in the host's abstract socket namespace.
inline constexpr char kRootSocket[] = "isode.eddy.root";
inline constexpr char kEddy[] = "isode.eddy";

// Holds the root context open for the main process until it is told to end. Returns the exit
// status.
int RunRoot(std::string_view tables);

}  // namespace lab
