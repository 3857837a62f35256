// Every YAML example of docs/runbooks.md is a runbook that loads.
#include <gtest/gtest.h>

#include "actuator/runbook/library.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {
namespace {

std::vector<std::string> Examples(const std::string& text) {
  constexpr std::string_view kOpen = "\n```yaml\n";
  std::vector<std::string> examples;
  for (size_t at = 0; (at = text.find(kOpen, at)) != std::string::npos;) {
    at += kOpen.size();
    const size_t end = text.find("\n```\n", at);
    examples.push_back(text.substr(at, end - at + 1));
    at = end;
  }
  return examples;
}

TEST(Documentation, HasExamplesThatLoad) {
  const std::string root = MAILHUB_SOURCE_DIR;
  auto site = config::LoadSite(root + "/tests/lab/config/site.yml");
  ASSERT_TRUE(site) << site.error().message;
  const auto shared = std::make_shared<const config::Site>(std::move(*site));
  const auto text = config::ReadFile(root + "/docs/runbooks.md");
  const auto called = config::ReadFile(root + "/actuator/runbooks/directory-cycle.yml");
  ASSERT_TRUE(text && called);
  const auto examples = Examples(*text);
  EXPECT_GE(examples.size(), 3u);
  for (std::string example : examples) {
    if (!example.starts_with("runbook:")) {
      example.insert(0, "runbook: example\nsummary: A part of one\n");
    }
    const auto library =
        RunbookLibrary::Parse({{"example.yml", example}, {"called.yml", *called}}, shared);
    EXPECT_TRUE(library) << library.error().message << "\n" << example;
  }
}

}  // namespace
}  // namespace mailhub::runbook
