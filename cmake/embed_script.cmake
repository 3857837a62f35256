# Joins a script's parts into one file, and makes a C++ source with a function that gives its text.
# The parts in perl become the shell variable perl_program, quoted by apostrophes.
# cmake -D PARTS=a;b -D SCRIPT=out.sh -D SOURCE=out.cc -D HEADER=declares.h -D FUNCTION=name::space::Text -P embed_script.cmake
set(text "")
set(literals "")
set(perl_so_far "")
foreach(part ${PARTS})
  file(READ ${part} one)
  if(part MATCHES "\\.pl$")
    string(FIND "${one}" "'" apostrophe)
    if(NOT apostrophe EQUAL -1)
      message(FATAL_ERROR "${part} must not hold an apostrophe: the shell quotes it by them")
    endif()
    set(one "\nperl_program=${perl_so_far}'\n${one}'\n")
    set(perl_so_far "$perl_program")
  endif()
  string(APPEND text "${one}")
  # A string literal, with adjacent ones, may be 64 KiB long; each part is one.
  string(APPEND literals "std::string_view(R\"SCRIPT(${one})SCRIPT\"),\n")
endforeach()
file(WRITE ${SCRIPT} "${text}")
file(WRITE ${SOURCE} "// Made by cmake/embed_script.cmake.
#include \"${HEADER}\"

#include <string>

std::string_view ${FUNCTION}() {
  static const std::string script = [] {
    std::string all;
    for (const std::string_view part : {
${literals}    }) {
      all += part;
    }
    return all;
  }();
  return script;
}
")
