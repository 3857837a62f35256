# Writes the source of lib/version: cmake -D VERSION=0.1.0 -D REVISION=given -D FOLDER=sources -D OUTPUT=version.cc -P version.cmake
# Without REVISION git is asked. Sources that were unpacked inside another checkout are not that checkout's.
set(ENV{GIT_OPTIONAL_LOCKS} 0)  # a build does not write to the checkout
set(revision "${REVISION}")
if(NOT revision)
  set(revision unknown)
  execute_process(COMMAND git -C ${FOLDER} rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  file(REAL_PATH ${FOLDER} folder)
  if(NOT failed AND top STREQUAL folder)
    execute_process(COMMAND git -C ${FOLDER} rev-parse --short=10 HEAD
      OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    execute_process(COMMAND git -C ${FOLDER} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE unclear)
    if(NOT failed AND NOT unclear)
      set(revision ${commit})
      if(changes)
        string(APPEND revision -modified)
      endif()
    endif()
  endif()
endif()
if(NOT revision MATCHES "^[0-9A-Za-z.+~-]+$")
  message(FATAL_ERROR "MAILHUB_REVISION: expected letters, digits, '.', '+', '~' and '-', and got: ${revision}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "// Made by cmake/version.cmake.
#include \"lib/version/version.h\"

namespace mailhub {

std::string Version() {
  return \"${VERSION}\";
}

std::string Revision() {
  return \"${revision}\";
}

std::string VersionText(const std::string& program) {
  return program + \" \" + Version() + \" (revision \" + Revision() + \")\";
}

}  // namespace mailhub
" @ONLY)
