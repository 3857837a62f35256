// libFuzzer's entry point. MAILHUB_FUZZ_FUNCTION is one of targets.h.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mailhub::fuzz::Timed(mailhub::fuzz::MAILHUB_FUZZ_FUNCTION,
                       {reinterpret_cast<const char*>(data), size});
  return 0;
}
