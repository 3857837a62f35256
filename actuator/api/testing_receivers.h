// Test receivers: a chat that takes and tickets that do not.
#pragma once

#include <string>
#include <vector>

#include "actuator/api/receivers.h"
#include "lib/base/guarded.h"

namespace mailhub::api::testing {

// Thread-safe.
class FakeReceivers final : public Receivers {
 public:
  std::vector<ReceiverStatus> List() const override {
    ReceiverStatus chat;
    chat.name = "chat";
    chat.format = "slack";
    chat.where = "https://chat.example.org";
    chat.events = {"held", "late"};
    chat.pending = 0;
    chat.sent = 7;
    chat.dropped = {{"refused", 0}, {"too_old", 0}, {"too_many", 0}};
    chat.last_success = WallTime(Milliseconds(1'772'359'200'000));
    chat.up = true;
    ReceiverStatus tickets;
    tickets.name = "tickets";
    tickets.format = "plain";
    tickets.where = "http://127.0.0.1:1";
    tickets.events = {"held"};
    tickets.pending = 3;
    tickets.failed = 5;
    tickets.dropped = {{"refused", 1}, {"too_old", 2}, {"too_many", 4}};
    tickets.up = false;
    tickets.trouble = "http://127.0.0.1:1: Couldn't connect to server";
    ReceiverStatus untried;
    untried.name = "untried";
    untried.format = "plain";
    untried.dropped = chat.dropped;
    return {chat, tickets, untried};
  }
  Result<ReceiverAnswer> Test(const std::string& name) override {
    tested_.With([&](auto& tested) { tested.push_back(name); });
    if (name == "chat") {
      return ReceiverAnswer{.taken = true, .status = 200, .body = "ok", .took = Milliseconds(12)};
    }
    if (name == "tickets") {
      return ReceiverAnswer{.taken = false, .status = 403, .body = "no", .took = Milliseconds(3)};
    }
    if (name == "away") return Fail(ErrorKind::kUnreachable, "http://127.0.0.1:1: no connection");
    return Fail(ErrorKind::kNotFound, "there is no receiver of that name");
  }
  std::vector<std::string> Tested() const { return tested_.Copy(); }

 private:
  Guarded<std::vector<std::string>> tested_;
};

}  // namespace mailhub::api::testing
