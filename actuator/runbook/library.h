// All runbooks of one directory: read, checked against the site, and ready to become plans.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub::runbook {

struct ParameterInfo {
  std::string name;
  std::string kind;           // "host", "duration", "number"
  std::string group;          // of a host
  std::string default_value;  // empty: none
  bool optional = false;
  std::string description;
};

struct RunbookInfo {
  std::string name;
  std::string summary;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> locks;
};

struct Source {
  std::string path;  // what messages call it
  std::string text;
};

// Immutable once made; may be shared between threads. Make() fails only for what its caller gives
// it: everything that can be known before was checked when the library was made.
class RunbookLibrary final : public engine::PlanSource {
 public:
  // Every *.yml in the directory; a *.yaml is a mistake, because it would be passed over. kInvalid:
  // one line for each file with a mistake (its first), each with file:line:column; kNotFound,
  // kRefused: the directory. All runbooks are expanded once for every host that a parameter may be,
  // so that a site that lacks something is found here.
  static Result<std::shared_ptr<const RunbookLibrary>> Load(
      const std::string& directory, std::shared_ptr<const config::Site> site);
  static Result<std::shared_ptr<const RunbookLibrary>> Parse(
      const std::vector<Source>& sources, std::shared_ptr<const config::Site> site);

  ~RunbookLibrary() override;

  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override;

  // What a run would record for the value: a host by its own name, durations and numbers in one
  // form. kInvalid: what was expected. kNotFound: the runbook or the parameter.
  Result<std::string> Value(const std::string& runbook, const std::string& parameter,
                            const std::string& value) const;

  std::vector<RunbookInfo> List() const;  // sorted by name

 private:
  struct Impl;
  explicit RunbookLibrary(std::unique_ptr<const Impl> impl);
  const std::unique_ptr<const Impl> impl_;
};

}  // namespace mailhub::runbook
