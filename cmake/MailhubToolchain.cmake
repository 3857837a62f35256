# Compiler, warnings and sanitizers of every target of the project.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()

set(MAILHUB_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them: address,undefined or thread")
if(MAILHUB_SANITIZE)
  add_compile_options(-fsanitize=${MAILHUB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MAILHUB_SANITIZE})
endif()

# Used by every target of our own through mailhub_library() and friends; third-party code is not affected.
add_library(mailhub_warnings INTERFACE)
set(MAILHUB_WERROR OFF CACHE BOOL "Whether a warning ends the build; for development, since each compiler has others")
target_compile_options(mailhub_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${MAILHUB_WERROR}>:-Werror>)
if(MAILHUB_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees uninitialized values in its own <functional> and <regex> once they are instrumented.
  target_compile_options(mailhub_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
