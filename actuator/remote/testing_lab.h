// Test fixture: a host of the lab (tests/lab/lab up) with its own runner directory.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "actuator/remote/remote_hosts.h"
#include "lib/base/digest.h"

namespace mailhub::remote {

class Lab : public testing::Test {
 protected:
  static constexpr const char* kSite = "/var/lib/mailhub-lab/config/site.yml";
  static constexpr const char* kHost = "cvshost";

  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kSite)) << "the lab is not up";
    auto site = config::LoadSite(kSite);
    ASSERT_TRUE(site) << site.error().message;
    directory = "/var/lib/mailhub-test-" + RandomHex(32);
    LinkOptions options;
    options.directory = directory;
    options.arguments = "--dir " + directory;
    options.cancel_grace = Milliseconds(1'000);
    hosts = std::make_unique<RemoteHosts>(std::make_shared<config::Site>(*site), options);
    hosts->Begin("test-" + RandomHex(64), 1);
    const engine::RemoteReply hello = Ask(engine::RemoteVerb::kHello);
    ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;
    directory_id = hello.directory_id;
  }
  void TearDown() override {
    if (directory_id.empty()) return;
    const std::string unit = "mailhub-deadman-" + directory.substr(directory.rfind('/') + 1);
    Shell("systemctl disable --now " + unit + ".timer; rm -rf " + directory +
          " /etc/systemd/system/" + unit + ".*; systemctl daemon-reload");
  }
  engine::RemoteReply Ask(engine::RemoteVerb verb, const std::string& key = "",
                          const std::string& command = "", Milliseconds after = Milliseconds(0)) {
    engine::RemoteRequest request;
    request.verb = verb;
    request.host = kHost;
    request.key = key;
    request.command = command;
    request.after = after;
    if (verb != engine::RemoteVerb::kHello) request.directory_id = directory_id;
    std::promise<engine::RemoteReply> promise;
    hosts->Submit(request, [&](engine::RemoteReply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  // The output of a command, run as its own step.
  std::string Shell(const std::string& command) {
    const engine::RemoteReply reply =
        Ask(engine::RemoteVerb::kRun, "shell/" + std::to_string(++steps) + "/1", command);
    return reply.receipt ? reply.receipt->output : reply.receipt.error().message;
  }
  template <typename Condition>
  static bool Eventually(Condition happened) {
    const RealClock clock;
    const SteadyTime deadline = clock.Steady() + Milliseconds(30'000);
    while (!happened()) {
      if (clock.Steady() > deadline) return false;
      std::this_thread::sleep_for(Milliseconds(50));
    }
    return true;
  }

  std::unique_ptr<RemoteHosts> hosts;
  std::string directory;
  std::string directory_id;
  int steps = 0;
};

}  // namespace mailhub::remote
