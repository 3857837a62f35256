# Fuzz targets. In every build they run over their committed corpora, as one unit test; built by the preset `fuzz` (clang),
# each is a libFuzzer program too.
set(MAILHUB_FUZZ OFF CACHE BOOL "Build libFuzzer programs; needs clang and MAILHUB_SANITIZE=fuzzer-no-link,...")

# mailhub_fuzzer(NAME FUNCTION Try... LIBRARIES targets...): NAME.cc defines mailhub::fuzz::Try...(bytes), and corpus/NAME
# holds its inputs.
function(mailhub_fuzzer name)
  cmake_parse_arguments(arg "" "FUNCTION" "LIBRARIES" ${ARGN})
  mailhub_library(fuzz_${name} ${name}.cc)
  target_link_libraries(mailhub_fuzz_${name} PUBLIC mailhub::fuzz_demand PRIVATE ${arg_LIBRARIES})
  if(NOT MAILHUB_FUZZ)
    return()
  endif()
  mailhub_program(${name}_fuzzer fuzzer_main.cc)
  target_compile_definitions(${name}_fuzzer PRIVATE MAILHUB_FUZZ_FUNCTION=${arg_FUNCTION})
  target_link_libraries(${name}_fuzzer PRIVATE mailhub::fuzz_${name})
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name}_fuzzer)
endfunction()
