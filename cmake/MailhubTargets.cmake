# The project's kinds of target. Include paths start at the project's root, so an include names its module:
#   #include "lib/base/result.h"

# mailhub_library(NAME sources...): a static library mailhub::NAME.
function(mailhub_library name)
  add_library(mailhub_${name} STATIC ${ARGN})
  add_library(mailhub::${name} ALIAS mailhub_${name})
  target_include_directories(mailhub_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(mailhub_${name} PRIVATE mailhub_warnings)
endfunction()

# mailhub_script(NAME PARTS files... HEADER declares.h FUNCTION name::space::Text): a script that is written in parts
# and built into a program as a whole: makes NAME.sh and NAME_script.cc in the binary directory.
function(mailhub_script name)
  cmake_parse_arguments(arg "" "HEADER;FUNCTION" "PARTS" ${ARGN})
  set(outputs ${CMAKE_CURRENT_BINARY_DIR}/${name}.sh ${CMAKE_CURRENT_BINARY_DIR}/${name}_script.cc)
  list(SORT arg_PARTS)
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} "-DPARTS=${arg_PARTS}" -DSCRIPT=${CMAKE_CURRENT_BINARY_DIR}/${name}.sh
      -DSOURCE=${CMAKE_CURRENT_BINARY_DIR}/${name}_script.cc -DHEADER=${arg_HEADER} -DFUNCTION=${arg_FUNCTION}
      -P ${PROJECT_SOURCE_DIR}/cmake/embed_script.cmake
    DEPENDS ${arg_PARTS} ${PROJECT_SOURCE_DIR}/cmake/embed_script.cmake
    VERBATIM)
endfunction()

# mailhub_program(NAME sources...): an executable in <build>/bin.
function(mailhub_program name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mailhub_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# mailhub_test(NAME LABEL <unit|program|sim|crash|lab> SOURCES files... LIBRARIES targets...): a GoogleTest program run
# by ctest. The label unit is for tests of a second or two; program for whole programs among real neighbours on
# loopback. APART: with mounts and processes of its own. Process 1 there is a shell, so that the test is the parent of its own
# children alone.
function(mailhub_test name)
  cmake_parse_arguments(arg "APART" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 180)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mailhub_warnings ${arg_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  if(arg_APART)
    add_test(NAME ${name} COMMAND unshare --mount --pid --fork --mount-proc --kill-child sh -c "\"$0\"; exit $?" $<TARGET_FILE:${name}>)
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
endfunction()
