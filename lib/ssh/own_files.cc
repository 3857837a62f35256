// See own_files.h.
#include "lib/ssh/own_files.h"

#include <libssh/libssh.h>

#include <utility>

#include "lib/ssh/read_whole.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kLongestKey = size_t{1} << 20;

tl::unexpected<ConnectError> Unusable(const std::string& what) {
  return tl::make_unexpected(
      ConnectError{ConnectFailure::kOwnFiles, Error{ErrorKind::kInvalid, what}});
}

tl::unexpected<ConnectError> NothingLeft(const std::string& file) {
  return tl::make_unexpected(
      ConnectError{ConnectFailure::kOwnLimits,
                   Error{ErrorKind::kUnreachable, "no file descriptor is left to read " + file}});
}

}  // namespace

void SshKeyFree::operator()(ssh_key_struct* key) const {
  ssh_key_free(key);
}

tl::expected<OwnFiles, ConnectError> ReadOwnFiles(const std::string& known_hosts_file,
                                                  const std::string& identity_file) {
  auto known_hosts = KnownHosts::Read(known_hosts_file);
  if (!known_hosts) {
    return known_hosts.error().kind == ErrorKind::kOverloaded
               ? NothingLeft(known_hosts_file)
               : Unusable(known_hosts.error().message);
  }
  const auto text = ReadWhole(identity_file, kLongestKey);
  if (!text) {
    return text.error().kind == ErrorKind::kOverloaded
               ? NothingLeft(identity_file)
               : Unusable("the private key: " + text.error().message);
  }
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_base64(text->c_str(), nullptr, nullptr, nullptr, &key) != SSH_OK) {
    return Unusable("cannot use the private key " + identity_file +
                    ": it is none, or it has a passphrase");
  }
  return OwnFiles{std::move(*known_hosts), SshKey(key)};
}

Status CheckOwnFiles(const std::string& known_hosts_file, const std::string& identity_file) {
  const auto own = ReadOwnFiles(known_hosts_file, identity_file);
  return own ? Status() : Fail(own.error().error);
}

}  // namespace mailhub::ssh
