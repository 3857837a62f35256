# Joins the helper's parts into one script, and makes a C++ source of it. A part in perl becomes the
# shell's variable perl_helper.
# cmake -D PARTS=a;b -D SCRIPT=helper.sh -D SOURCE=helper_script.cc -P assemble_helper.cmake
set(text "")
set(literals "")
foreach(part ${PARTS})
  file(READ ${part} one)
  if(part MATCHES "\\.pl$")
    string(FIND "${one}" "'" apostrophe)
    if(NOT apostrophe EQUAL -1)
      message(FATAL_ERROR "${part} must not hold an apostrophe: the shell quotes it by them")
    endif()
    set(one "\nperl_helper='\n${one}'\n")
  endif()
  string(APPEND text "${one}")
  # A string literal may be 64 KiB long; one part is one literal.
  string(APPEND literals "R\"HELPER(${one})HELPER\"\n")
endforeach()
file(WRITE ${SCRIPT} "${text}")
file(WRITE ${SOURCE} "// Made from exporter/helper/script by assemble_helper.cmake.
#include \"exporter/helper/helper_command.h\"

namespace mailhub::exporter {

std::string_view HelperScript() {
  static constexpr std::string_view kScript =
${literals}    ;
  return kScript;
}

}  // namespace mailhub::exporter
")
