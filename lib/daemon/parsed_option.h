// A command line option that one of our own parsers reads; its error becomes CLI11's. Only for the
// programs' options.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mailhub {

// `parse` returns a Result<Value> for the text. `value` must outlive the parsing.
template <typename Value, typename Parse>
void AddParsedOption(CLI::App& app, const char* name, Value* value, Parse parse, const char* help) {
  app.add_option_function<std::string>(
      name,
      [value, parse, name](const std::string& text) {
        auto parsed = parse(text);
        if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
        *value = *parsed;
      },
      help);
}

}  // namespace mailhub
