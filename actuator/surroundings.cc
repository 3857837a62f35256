// See surroundings.h.
#include "actuator/surroundings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>

#include "actuator/webhook/token_file.h"
#include "lib/base/trim.h"
#include "lib/config/secret.h"
#include "lib/config/yaml.h"
#include "lib/http/server.h"

namespace mailhub {
namespace {

constexpr size_t kLargestFile = size_t{16} << 20;

// Opening another kind of file could block for ever.
Status IsPlainFile(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return {};
  return Fail(ErrorKind::kInvalid, path + ": is no file");
}

Result<std::string> ReadPlainFile(const std::string& path) {
  if (Status plain = IsPlainFile(path); !plain) return Fail(plain.error());
  return config::ReadFile(path, kLargestFile);
}

Status HoldsText(const std::string& path) {
  const auto text = ReadPlainFile(path);
  if (!text) return Fail(text.error());
  return Trim(*text).empty() ? Fail(ErrorKind::kInvalid, path + ": is empty") : Status();
}

// Only the receiver knows how long a token must be.
template <Result<std::string> (*read)(const std::string&)>
Status Holds(const std::string& path) {
  if (const Status plain = IsPlainFile(path); !plain) return plain;
  const auto secret = read(path);
  return secret ? Status() : Fail(secret.error());
}

Status IsReadable(const std::string& path) {
  const auto text = ReadPlainFile(path);
  return text ? Status() : Fail(text.error());
}

Status IsPrivateKey(const std::string& path) {
  const auto text = ReadPlainFile(path);
  if (!text) return Fail(text.error());
  if (text->starts_with("-----BEGIN ")) return {};
  return Fail(ErrorKind::kInvalid, path + ": does not begin with -----BEGIN");
}

// A reader of them may run the runbooks' commands as root on every host, or invent alerts.
Status TokensUsable(const std::string& path) {
  if (Status plain = IsReadable(path); !plain) return plain;
  return webhook::TokenFile::Check(path);
}

// The journal itself need not exist yet.
Status MayHoldJournal(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    return Fail(ErrorKind::kNotFound,
                folder + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  if (!S_ISDIR(status.st_mode)) return Fail(ErrorKind::kInvalid, folder + ": is no directory");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Fail(ErrorKind::kRefused, folder + ": may not be written");
  }
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return Fail(ErrorKind::kInvalid, path + ": is no file");
  }
  return {};
}

// Collects the defects. Confined to one call of CheckSurroundings.
class Looker {
 public:
  // An empty path is not configured and not checked. `place` is "FILE:LINE:COLUMN: FIELD".
  void File(const std::string& place, const std::string& path,
            const std::function<Status(const std::string&)>& usable, const std::string& expected) {
    if (path.empty()) return;
    if (const Status status = usable(path); !status) {
      wrong_.push_back(place + ": " + status.error().message + "; expected " + expected);
    }
  }
  void Note(const std::string& place, const std::string& message) {
    wrong_.push_back(place + ": " + message);
  }
  std::vector<std::string> Wrong() { return std::move(wrong_); }

 private:
  std::vector<std::string> wrong_;
};

std::string PlaceOf(const config::Node& node) {
  return node.Where() + ": " + node.Field();
}

void LookAtWeb(Looker& look, const config::Node& root, const Configuration& configuration,
               const settings::WebSettings& web) {
  const settings::Settings& settings = configuration.settings;
  bool login = false;
  if (!web.config_file.empty()) {
    const auto loaded = http::WebConfig::Load(web.config_file);
    if (!loaded) look.Note(PlaceOf(root["web"]["config_file"]), loaded.error().message);
    login = loaded && (*loaded)->RequiresLogin();
    if (!loaded) return;
  }
  const Status allowed = CheckListenAddresses(web.listen_addresses, web.config_file);
  if (!allowed) {
    look.Note(PlaceOf(root["web"]["listen_address"]), allowed.error().message);
  }
  if (!settings.triggers.empty() && !login && settings.fixed.webhook_token_file.empty()) {
    look.Note(PlaceOf(root["webhook"]["token_file"]),
              "missing, and web.config_file asks for no login: every notification would be "
              "answered 401; expected one of both");
  }
}

// `nodes` are in the same order.
void LookAtReceivers(Looker& look, const config::Node& nodes,
                     const std::vector<settings::ReceiverSettings>& receivers) {
  const std::vector<config::Node> items = nodes.Items();
  for (size_t i = 0; i < items.size() && i < receivers.size(); ++i) {
    const config::Node& node = items[i];
    const settings::ReceiverSettings& receiver = receivers[i];
    look.File(PlaceOf(node["url_file"]), receiver.url_file, Holds<settings::ReadUrlFile>,
              "a file that holds a URL");
    look.File(PlaceOf(node["ca_file"]), receiver.ca_file, HoldsText, "a file with certificates");
    look.File(PlaceOf(node["bearer_token_file"]), receiver.bearer_token_file,
              Holds<config::ReadToken>, "a file that holds a token");
    look.File(PlaceOf(node["basic_auth"]["password_file"]), receiver.basic_password_file,
              Holds<config::ReadSecret>, "a file that holds a password");
    for (const auto& [name, file] : receiver.header_files) {
      look.File(PlaceOf(node["header_files"][name]), file, Holds<config::ReadSecret>,
                "a file that holds the value of a header");
    }
  }
}

}  // namespace

std::vector<std::string> CheckSurroundings(const Configuration& configuration,
                                           const settings::WebSettings& web) {
  const settings::Settings& settings = configuration.settings;
  const settings::Fixed& fixed = settings.fixed;
  const config::Site& site = *configuration.site;
  const config::Node& root = *settings.root;
  Looker look;
  look.File(site.places.at("known_hosts"), site.known_hosts, IsReadable,
            "a file with the hosts' keys that the actuator may read");
  look.File(site.places.at("actuator_key"), site.actuator_key, IsPrivateKey,
            "the actuator's private SSH key, readable by it");
  look.File(PlaceOf(root["journal"]), fixed.journal, MayHoldJournal,
            "a path in a directory that exists and that the actuator may write");
  look.File(PlaceOf(root["web"]["token_file"]), web.api_token_file, TokensUsable,
            "a file with one token a line, for the actuator's user only");
  look.File(PlaceOf(root["webhook"]["token_file"]), fixed.webhook_token_file, TokensUsable,
            "a file with one token a line, for the actuator's user only");
  const config::Node prometheus = root["prometheus"];
  look.File(PlaceOf(prometheus["ca_file"]), fixed.prometheus.ca_file, HoldsText,
            "a file with certificates");
  look.File(PlaceOf(prometheus["bearer_token_file"]), fixed.prometheus.bearer_token_file,
            Holds<config::ReadToken>, "a file that holds a token");
  look.File(PlaceOf(prometheus["basic_auth"]["password_file"]),
            fixed.prometheus.basic_password_file, Holds<config::ReadSecret>,
            "a file that holds a password");
  LookAtReceivers(look, root["receivers"], settings.receivers);
  LookAtWeb(look, root, configuration, web);
  return look.Wrong();
}

Status CheckListenAddresses(const std::vector<std::string>& addresses,
                            const std::string& web_config_file) {
  const auto open = std::ranges::find_if_not(
      addresses, [](const std::string& one) { return http::IsLoopback(one); });
  if (open == addresses.end()) return {};
  const std::string& address = *open;
  const char* why =
      "others than this machine could reach it: TLS and authentication (web.config.file) are "
      "needed";
  if (web_config_file.empty()) return Fail(ErrorKind::kRefused, address + ": " + why);
  const auto web = http::WebConfig::Load(web_config_file);
  if (!web) return Fail(web.error());
  if (!(*web)->UsesTls() || !((*web)->RequiresLogin() || (*web)->RequiresClientCertificate())) {
    return Fail(ErrorKind::kRefused, address + ": " + why);
  }
  return {};
}

}  // namespace mailhub
