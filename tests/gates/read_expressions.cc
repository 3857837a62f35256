// Reads a JSON list of expressions and prints a list of true and false: whether a gate may use
// them. For promtool_test.py.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "actuator/condition/promql.h"

int main() {
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  nlohmann::json answers = nlohmann::json::array();
  for (const auto& expression : nlohmann::json::parse(input)) {
    answers.push_back(
        mailhub::condition::ReadGateExpression(expression.get<std::string>()).has_value());
  }
  std::cout << answers;
  return 0;
}
