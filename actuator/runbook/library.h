// All runbooks of one directory, checked against the site and ready for planning.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actuator/engine/plan.h"
#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {

struct ParameterInfo {
  std::string name;
  std::string kind;           // "host", "duration", "number"
  std::string group;          // of a host
  std::string default_value;  // empty: none
  bool optional = false;
  std::string description;
};

// A name of the calendar, and where it is written.
struct PlacedName {
  std::string name;
  config::Node at;
};

struct RunbookInfo {
  std::string name;
  std::string summary;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> locks;
  std::vector<PlacedName> calendar_names = {};  // of its windows and blackouts
};

struct Source {
  std::string path;  // its name in messages
  std::string text;
};

// Immutable once made; may be shared between threads. Make() fails only because of its arguments:
// all other mistakes were found when the library was made.
class RunbookLibrary final : public engine::PlanSource {
 public:
  // Reads every *.yml in the directory; a *.yaml is a mistake, because it would be ignored.
  // kInvalid: one line per file with a mistake (its first), each with file:line:column; kNotFound,
  // kRefused: the directory. Expands all runbooks once for every host that a parameter may be, to
  // find what the site lacks.
  static Result<std::shared_ptr<const RunbookLibrary>> Load(
      const std::string& directory, std::shared_ptr<const config::Site> site);
  static Result<std::shared_ptr<const RunbookLibrary>> Parse(
      const std::vector<Source>& sources, std::shared_ptr<const config::Site> site);

  ~RunbookLibrary() override;

  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override;

  // The value as a run records it: a host by its own name, durations and numbers in one form.
  // kInvalid: the expected values. kNotFound: the runbook or the parameter.
  Result<std::string> Value(const std::string& runbook, const std::string& parameter,
                            const std::string& value) const;

  std::vector<RunbookInfo> List() const;  // sorted by name

 private:
  struct Impl;
  explicit RunbookLibrary(std::unique_ptr<const Impl> impl);
  const std::unique_ptr<const Impl> impl_;
};

}  // namespace mailhub::runbook
