// See receiver_options.h.
#include "actuator/receiver_options.h"

#include <utility>

#include "lib/config/secret.h"

namespace mailhub {
namespace {

Result<notify::ReceiverOptions> OptionsOf(const settings::ReceiverSettings& settings) {
  notify::ReceiverOptions options;
  options.name = settings.name;
  options.url = settings.url;
  if (!settings.url_file.empty()) {
    auto url = settings::ReadUrlFile(settings.url_file);
    if (!url) return Fail(url.error());
    options.url = *std::move(url);
  }
  if (settings.format == notify::Format::kAlertmanager) {
    while (options.url.ends_with('/')) options.url.pop_back();
  }
  options.format = settings.format;
  options.events = settings.events;
  options.keep = settings.keep;
  options.timeout = settings.timeout;
  options.headers.assign(settings.headers.begin(), settings.headers.end());
  for (const auto& [name, file] : settings.header_files) {
    const auto value = config::ReadSecret(file);
    if (!value) return Fail(value.error());
    options.headers.emplace_back(name, *value);
  }
  options.ca_file = settings.ca_file;
  options.basic_user = settings.basic_user;
  options.bearer_token_file = settings.bearer_token_file;
  if (settings.basic_password_file.empty()) return options;
  auto password = config::ReadSecret(settings.basic_password_file);
  if (!password) return Fail(password.error());
  options.basic_password = *std::move(password);
  return options;
}

}  // namespace

Result<std::vector<notify::ReceiverOptions>> ReceiversOf(
    const std::vector<settings::ReceiverSettings>& settings, const std::string& external_url) {
  std::vector<notify::ReceiverOptions> receivers;
  for (const settings::ReceiverSettings& one : settings) {
    auto options = OptionsOf(one);
    if (!options) return Fail("receiver " + one.name, options.error());
    options->external_url = external_url;
    receivers.push_back(*std::move(options));
  }
  return receivers;
}

}  // namespace mailhub
