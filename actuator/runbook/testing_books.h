// For tests: a small site, and helpers to read and expand runbooks on it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actuator/runbook/library.h"

namespace mailhub::runbook::testing_books {

inline constexpr char kSite[] = R"(
ssh: {user: root, known_hosts: known_hosts, exporter_key: e, actuator_key: a}
groups:
  hubs: [hub1, hub2, hub3]
  old: [sun]
hosts:
  server:
    address: 192.0.2.1
    commands: {wake: /opt/wake now}
    processes: {daemon: {exe: /opt/daemon}}
  hub1: {address: 192.0.2.2, services: {client: {}}}
  hub2: {address: 192.0.2.3, services: {client: {}}}
  hub3: {address: 192.0.2.4, services: {client: {}}}
  locked:
    address: 192.0.2.7
    runner: installed
    commands: {wake: /opt/wake now}
    services: {client: {}}
  sun: {address: 192.0.2.5, platform: posix, services: {client: {}}}
  win: {address: 192.0.2.6, platform: windows, services: {Mail: {}}}
)";

inline std::shared_ptr<const config::Site> Site() {
  auto site = config::ParseSite(kSite, "site.yml");
  EXPECT_TRUE(site) << (site ? "" : site.error().message);
  return std::make_shared<const config::Site>(std::move(*site));
}

inline Result<std::shared_ptr<const RunbookLibrary>> Parse(const std::vector<std::string>& texts) {
  std::vector<Source> sources;
  sources.reserve(texts.size());
  for (const std::string& text : texts) {
    sources.push_back({"book" + std::to_string(sources.size() + 1) + ".yml", text});
  }
  return RunbookLibrary::Parse(sources, Site());
}

inline std::string Mistake(const std::vector<std::string>& texts) {
  auto library = Parse(texts);
  return library ? "accepted" : library.error().message;
}

inline engine::Plan Make(const std::vector<std::string>& texts,
                         const std::map<std::string, std::string>& parameters = {}) {
  auto library = Parse(texts);
  EXPECT_TRUE(library) << (library ? "" : library.error().message);
  if (!library) return {};
  auto plan = (*library)->Make("test", parameters);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? *plan : engine::Plan{};
}

inline std::vector<std::string> Paths(const engine::Plan& plan) {
  std::vector<std::string> paths;
  for (const auto& step : plan.steps) paths.push_back(step.path);
  return paths;
}

inline std::string Book(const std::string& rest) {
  return "runbook: test\nsummary: A test\n" + rest;
}

}  // namespace mailhub::runbook::testing_books
