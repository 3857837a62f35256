// The API's description and the routes agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "actuator/api/api.h"
#include "lib/config/values.h"
#include "lib/config/yaml.h"

namespace mailhub::api {
namespace {

// "GET /api/v1/runs/*": a path from its first parameter on is one wildcard, as in the server's
// patterns.
std::string OperationOf(const std::string& path, std::string method) {
  std::string pattern = path.substr(0, path.find('{'));
  if (pattern.size() < path.size()) pattern += '*';
  for (char& c : method) c = static_cast<char>(std::toupper(c));
  return method + " " + pattern;
}

std::set<std::string> Described() {
  const auto file = config::LoadYaml(MAILHUB_SOURCE_DIR "/docs/openapi.yml");
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  std::set<std::string> operations;
  if (!file) return operations;
  for (const auto& path : (*file)["paths"].Entries()) {
    for (const auto& operation : path.value.Entries()) {
      if (operation.key == "parameters") continue;
      operations.insert(OperationOf(path.key, operation.key));
      EXPECT_TRUE(operation.value["summary"].Present()) << operation.value.Where();
      EXPECT_TRUE(operation.value["responses"].Present()) << operation.value.Where();
    }
  }
  return operations;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  std::set<std::string> routes = {"POST /api/v1/alerts"};  // the webhook's, in actuator/webhook
  for (const RouteText& route : Routes()) routes.insert(route.method + " " + route.pattern);
  EXPECT_THAT(Described(), ::testing::ContainerEq(routes));
}

TEST(OpenApi, DescribesEveryQueryParameterAndNoOther) {
  const auto file = config::LoadYaml(MAILHUB_SOURCE_DIR "/docs/openapi.yml");
  ASSERT_TRUE(file);
  std::map<std::string, std::set<std::string>> described;
  for (const auto& path : (*file)["paths"].Entries()) {
    for (const auto& operation : path.value.Entries()) {
      if (operation.key == "parameters") continue;
      auto& names = described[OperationOf(path.key, operation.key)];
      for (const auto& parameter : operation.value["parameters"].Items()) {
        const auto reference = parameter["$ref"];
        if (reference.Present()) {
          const std::string name = *config::ReadString(reference);
          if (name.ends_with("/limit")) names.insert("limit");
        } else if (*config::ReadString(parameter["in"]) == "query") {
          names.insert(*config::ReadString(parameter["name"]));
        }
      }
    }
  }
  described.erase("POST /api/v1/alerts");  // takes any
  std::map<std::string, std::set<std::string>> known;
  for (const RouteText& route : Routes())
    known[route.method + " " + route.pattern] = {route.query.begin(), route.query.end()};
  EXPECT_THAT(described, ::testing::ContainerEq(known));
}

TEST(OpenApi, DescribesEveryVerbOfARun) {
  const auto file = config::LoadYaml(MAILHUB_SOURCE_DIR "/docs/openapi.yml");
  ASSERT_TRUE(file);
  const auto verbs = (*file)["paths"]["/api/v1/runs/{id}/{verb}"]["post"]["parameters"].Items();
  ASSERT_EQ(verbs.size(), 2U);
  EXPECT_THAT(
      *config::ReadStrings(verbs[1]["schema"]["enum"]),
      ::testing::ElementsAre("pause", "resume", "confirm", "cancel", "retry", "skip", "resolve"));
}

}  // namespace
}  // namespace mailhub::api
