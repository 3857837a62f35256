# Joins a script's parts into one file, and makes a C++ source with a function that gives its text.
# A part in perl becomes the shell variable perl_program, quoted by apostrophes.
# cmake -D PARTS=a;b -D SCRIPT=out.sh -D SOURCE=out.cc -D HEADER=declares.h -D FUNCTION=name::space::Text -P embed_script.cmake
set(text "")
set(literals "")
foreach(part ${PARTS})
  file(READ ${part} one)
  if(part MATCHES "\\.pl$")
    string(FIND "${one}" "'" apostrophe)
    if(NOT apostrophe EQUAL -1)
      message(FATAL_ERROR "${part} must not hold an apostrophe: the shell quotes it by them")
    endif()
    set(one "\nperl_program='\n${one}'\n")
  endif()
  string(APPEND text "${one}")
  # A string literal may be 64 KiB long; one part is one literal.
  string(APPEND literals "R\"SCRIPT(${one})SCRIPT\"\n")
endforeach()
file(WRITE ${SCRIPT} "${text}")
file(WRITE ${SOURCE} "// Made by cmake/embed_script.cmake.
#include \"${HEADER}\"

std::string_view ${FUNCTION}() {
  static constexpr std::string_view kScript =
${literals}    ;
  return kScript;
}
")
