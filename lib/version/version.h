// Which mailhub this is. The version is that of project() in the top CMakeLists.txt; nothing else holds it.
#pragma once

#include <string>

namespace mailhub {

std::string Version();  // "0.1.0"

// git's short name of the commit, with "-modified" where tracked files differed from it. "unknown" where the sources were
// no git checkout of their own and the build was told nothing (-DMAILHUB_REVISION=).
std::string Revision();

// What --version prints: "PROGRAM 0.1.0 (revision 3672f1f)".
std::string VersionText(const std::string& program);

}  // namespace mailhub
