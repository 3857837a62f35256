// Checks whether a request may change something, and who its author is.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actuator/engine/input.h"
#include "actuator/webhook/token_file.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// What each login may do. A login that is not listed is operator and approver.
using RolesByLogin = std::map<std::string, engine::Roles>;
engine::Roles RolesOf(const RolesByLogin& roles, const std::string& login);

struct Author {
  std::string login;  // "" for the holder of the token, who may claim any name
  engine::Roles roles = {engine::Role::kOperator, engine::Role::kApprover};
};

// Thread-safe. Reads the token file anew at every call, so that the token can be replaced while the
// actuator runs.
class Guard {
 public:
  explicit Guard(const std::string& token_file, RolesByLogin roles = {});

  // The author, who has the role `needed`. kRefused names what is missing; kUnreachable: the token
  // file cannot be used.
  Result<Author> MayChange(const http::Request& request,
                           engine::Role needed = engine::Role::kOperator) const;
  // Whether the request has the API token. Errors as above; a wrong bearer token is kRefused.
  Result<bool> BearsToken(const http::Request& request) const;

 private:
  Status Judge(const http::Request& request) const;

  const RolesByLogin roles_;
  std::optional<webhook::TokenFile> tokens_;  // constant after construction
};

}  // namespace mailhub::api
