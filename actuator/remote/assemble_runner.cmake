# Joins the runner's parts into one script, and makes a C++ source of it.
# cmake -D PARTS=a;b -D SCRIPT=runner.sh -D SOURCE=runner_script.cc -P assemble_runner.cmake
set(text "")
foreach(part ${PARTS})
  file(READ ${part} one)
  string(APPEND text "${one}")
endforeach()
file(WRITE ${SCRIPT} "${text}")
# A string literal may be 64 KiB long; one part is one literal.
set(literals "")
foreach(part ${PARTS})
  file(READ ${part} one)
  string(APPEND literals "    R\"RUNNER(${one})RUNNER\"\n")
endforeach()
file(WRITE ${SOURCE} "// Made from actuator/remote/runner by assemble_runner.cmake.
#include \"actuator/remote/runner_script.h\"

#include \"lib/base/digest.h\"

namespace mailhub::remote {

std::string_view RunnerScript() {
  static constexpr std::string_view kScript =
${literals}    ;
  return kScript;
}

const std::string& RunnerDigest() {
  static const std::string kDigest = Sha256Hex(RunnerScript());
  return kDigest;
}

}  // namespace mailhub::remote
")
