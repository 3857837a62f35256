// The description and the routes are kept from drifting apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "actuator/api/api.h"
#include "lib/config/yaml.h"

namespace mailhub::api {
namespace {

// "GET /api/v1/runs/*" for each described operation: parameters in a path, and all that follows the
// first one, are one wildcard, as in the server's patterns.
std::set<std::string> Described() {
  const auto file = config::LoadYaml(MAILHUB_SOURCE_DIR "/docs/openapi.yml");
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  std::set<std::string> operations;
  if (!file) return operations;
  for (const auto& path : (*file)["paths"].Entries()) {
    std::string pattern = path.key.substr(0, path.key.find('{'));
    if (pattern.size() < path.key.size()) pattern += '*';
    for (const auto& operation : path.value.Entries()) {
      if (operation.key == "parameters") continue;
      std::string method = operation.key;
      for (char& c : method) c = static_cast<char>(std::toupper(c));
      operations.insert(method + " " + pattern);
      EXPECT_TRUE(operation.value["summary"].Present()) << operation.value.Where();
      EXPECT_TRUE(operation.value["responses"].Present()) << operation.value.Where();
    }
  }
  return operations;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  std::set<std::string> routes = {"POST /api/v1/alerts"};  // the webhook's, in actuator/webhook
  for (const auto& [method, pattern] : Routes()) routes.insert(method + " " + pattern);
  EXPECT_THAT(Described(), ::testing::ContainerEq(routes));
}

TEST(OpenApi, DescribesEveryVerbOfARun) {
  const auto file = config::LoadYaml(MAILHUB_SOURCE_DIR "/docs/openapi.yml");
  ASSERT_TRUE(file);
  const auto verbs = (*file)["paths"]["/api/v1/runs/{id}/{verb}"]["post"]["parameters"].Items();
  ASSERT_EQ(verbs.size(), 2U);
  EXPECT_THAT(
      *verbs[1]["schema"]["enum"].Strings(),
      ::testing::ElementsAre("pause", "resume", "confirm", "cancel", "retry", "skip", "resolve"));
}

}  // namespace
}  // namespace mailhub::api
