// See library.h.
#include "actuator/runbook/library.h"

#include <algorithm>
#include <filesystem>

#include "actuator/runbook/choices.h"
#include "actuator/runbook/expand.h"
#include "actuator/runbook/runbook.h"
#include "lib/base/printable.h"
#include "lib/config/files_read.h"
#include "lib/config/yaml.h"

namespace mailhub::runbook {
namespace {

constexpr size_t kMostRunbooks = 200;

using Values = std::map<std::string, std::string>;

const std::vector<std::string>& HostsOf(const Parameter& parameter, const config::Site& site) {
  static const std::vector<std::string> kNone;
  const auto group = site.groups.find(parameter.group);
  return group == site.groups.end() ? kNone : group->second;
}

Status CheckParameters(const Runbook& book, const config::Site& site) {
  for (const Parameter& parameter : book.parameters) {
    if (parameter.kind != ParameterKind::kHost) continue;
    const auto& hosts = HostsOf(parameter, site);
    if (hosts.empty()) {
      return parameter.at["host_in"].Invalid(NoSuchGroup(parameter.group, site));
    }
    if (parameter.default_value &&
        std::ranges::find(hosts, *parameter.default_value) == hosts.end()) {
      return parameter.at["default"].Invalid("expected a host of group " + parameter.group);
    }
  }
  return {};
}

// Expands the runbook as written, then once for every host that a parameter may be.
Status Check(const Runbook& book, const Runbooks& all, const config::Site& site) {
  if (Status parameters = CheckParameters(book, site); !parameters) return parameters;
  Values given;
  for (const Parameter& parameter : book.parameters) {
    if (!parameter.optional && !parameter.default_value) {
      given[parameter.name] = HostsOf(parameter, site).front();
    }
  }
  std::vector<Values> cases = {given};
  for (const Parameter& parameter : book.parameters) {
    for (const std::string& host : HostsOf(parameter, site)) {
      cases.push_back(given);
      cases.back()[parameter.name] = host;
    }
  }
  for (const Values& one : cases) {
    const auto values = BindParameters(book, one, site);
    if (!values) return book.at.Invalid(values.error().message);
    const auto plan = Expand(book, *values, all, site);
    if (!plan) return Fail(plan.error());
  }
  return {};
}

}  // namespace

struct RunbookLibrary::Impl {
  std::shared_ptr<const config::Site> site;
  Runbooks books;
};

RunbookLibrary::RunbookLibrary(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
RunbookLibrary::~RunbookLibrary() = default;

Result<std::shared_ptr<const RunbookLibrary>> RunbookLibrary::Load(
    const std::string& directory, std::shared_ptr<const config::Site> site) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> paths;
  if (auto* const files = config::NotesFilesRead::Current()) files->NoteFolder(directory);
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(".")) continue;  // an editor's
    if (entry->path().extension() == ".yaml") {
      return Fail(ErrorKind::kInvalid, entry->path().string() +
                                           ": runbooks end in .yml; expected " +
                                           entry->path().stem().string() + ".yml");
    }
    if (entry->path().extension() == ".yml") paths.push_back(entry->path().string());
  }
  if (error) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    return Fail(missing ? ErrorKind::kNotFound : ErrorKind::kRefused,
                directory + ": " + error.message());
  }
  std::ranges::sort(paths);
  std::vector<Source> sources;
  for (const std::string& path : paths) {
    auto text = config::ReadFile(path);
    if (!text) return Fail(text.error());
    sources.push_back({path, std::move(*text)});
  }
  return Parse(sources, std::move(site));
}

Result<std::shared_ptr<const RunbookLibrary>> RunbookLibrary::Parse(
    const std::vector<Source>& sources, std::shared_ptr<const config::Site> site) {
  if (sources.size() > kMostRunbooks) return Fail(ErrorKind::kInvalid, "more than 200 runbooks");
  auto impl = std::make_unique<Impl>();
  impl->site = std::move(site);
  std::string mistakes;
  const auto note = [&](const Error& error) {
    mistakes += (mistakes.empty() ? "" : "\n") + error.message;
  };
  for (const Source& source : sources) {
    const auto root = config::ParseYaml(source.text, source.path);
    if (!root) {
      note(root.error());
      continue;
    }
    auto book = ReadRunbook(*root);
    if (!book) {
      note(book.error());
      continue;
    }
    const auto [other, fresh] = impl->books.emplace(book->name, *book);
    if (!fresh) {
      note((*root)["runbook"].Invalid("also the name of " + other->second.at.Where()).value());
    }
  }
  // Calls into an unreadable file would only repeat its mistake.
  if (!mistakes.empty()) return Fail(ErrorKind::kInvalid, mistakes);
  for (const auto& [name, book] : impl->books) {
    if (const Status checked = Check(book, impl->books, *impl->site); !checked) {
      // A mistake in a called runbook appears in its callers, too.
      if (mistakes.find(checked.error().message) == std::string::npos) note(checked.error());
    }
  }
  if (!mistakes.empty()) return Fail(ErrorKind::kInvalid, mistakes);
  return std::shared_ptr<const RunbookLibrary>(new RunbookLibrary(std::move(impl)));
}

Result<engine::Plan> RunbookLibrary::Make(
    const std::string& runbook, const std::map<std::string, std::string>& parameters) const {
  const auto book = impl_->books.find(runbook);
  if (book == impl_->books.end()) {
    return Fail(ErrorKind::kNotFound, "there is no runbook \"" + Excerpt(runbook) + "\"");
  }
  const auto values = BindParameters(book->second, parameters, *impl_->site);
  if (!values) return Fail(values.error());
  return Expand(book->second, *values, impl_->books, *impl_->site);
}

Result<std::string> RunbookLibrary::Value(const std::string& runbook, const std::string& parameter,
                                          const std::string& value) const {
  const auto book = impl_->books.find(runbook);
  const Parameter* found = book == impl_->books.end() ? nullptr : book->second.Find(parameter);
  if (found == nullptr) return Fail(ErrorKind::kNotFound, "there is no such parameter");
  return BindValue(*found, value, *impl_->site);
}

std::vector<RunbookInfo> RunbookLibrary::List() const {
  std::vector<RunbookInfo> list;
  for (const auto& [name, book] : impl_->books) {
    RunbookInfo info{name, book.summary, {}, book.locks};
    for (const Parameter& parameter : book.parameters) {
      info.parameters.push_back({parameter.name, Name(parameter.kind), parameter.group,
                                 parameter.default_value.value_or(""), parameter.optional,
                                 parameter.description});
    }
    for (const auto* names : {&book.windows, &book.blackouts}) {
      for (const Text& one : *names) info.calendar_names.push_back({one.raw, one.at});
    }
    list.push_back(std::move(info));
  }
  return list;
}

}  // namespace mailhub::runbook
