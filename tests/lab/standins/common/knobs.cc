// Both files are flat JSON objects of numbers that only the lab writes, so they need no full
// parser.
#include "common/knobs.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace lab {
namespace {

double NumberIn(const char* path, std::string_view name, double fallback) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::string key = "\"" + std::string(name) + "\"";
  std::size_t at = text.find(key);
  if (at == std::string::npos) return fallback;
  at += key.size();
  while (at < text.size() &&
         (std::isspace(static_cast<unsigned char>(text[at])) || text[at] == ':'))
    ++at;
  char* end = nullptr;
  const double value = std::strtod(text.c_str() + at, &end);
  return end == text.c_str() + at ? fallback : value;
}

}  // namespace

double Knob(std::string_view name, double fallback) {
  return NumberIn("/etc/lab/knobs.json", name, fallback);
}

double Fault(std::string_view name, double fallback) {
  return NumberIn("/etc/lab/faults.json", name, fallback);
}

}  // namespace lab
