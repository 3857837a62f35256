// See own_files.h.
#include "lib/ssh/own_files.h"

#include <libssh/libssh.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mailhub::ssh {
namespace {

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
  if (access(identity_file.c_str(), R_OK) != 0) {
    return Unusable("cannot read the private key " + identity_file + ": " +
                    std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  errno = 0;  // libssh gives no reason
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_file(identity_file.c_str(), nullptr, nullptr, nullptr, &key) !=
      SSH_OK) {
    if (errno == EMFILE || errno == ENFILE) return NothingLeft(identity_file);
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
