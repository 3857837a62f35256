// See database.h.
#include "actuator/journal/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

namespace mailhub::journal {
namespace {

ErrorKind KindOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
      return ErrorKind::kOverloaded;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorKind::kRefused;
    case SQLITE_CANTOPEN:
      return ErrorKind::kNotFound;
    case SQLITE_IOERR:
      return ErrorKind::kOutcomeUnknown;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::kCorrupt;
    default:
      return ErrorKind::kInternal;
  }
}

tl::unexpected<Error> Failed(sqlite3* connection, int code) {
  const char* filename = sqlite3_db_filename(connection, "main");
  return Fail(KindOf(code), std::string(filename == nullptr ? "journal" : filename) + ": " +
                                sqlite3_errmsg(connection) + " (SQLite error " +
                                std::to_string(sqlite3_extended_errcode(connection)) + ")");
}

}  // namespace

// --- Statement

void Statement::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

Statement& Statement::Bind(std::string_view value) {
  // An empty view may have a null pointer, which SQLite would store as NULL.
  const char* data = value.empty() ? "" : value.data();
  sqlite3_bind_text64(statement_.get(), ++bound_, data, value.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Failed(sqlite3_db_handle(statement_.get()), code);
}

Status Statement::Execute() {
  for (;;) {
    const Result<bool> row = Step();
    if (row && *row) continue;
    Reset();
    if (!row) return Fail(row.error());
    return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bound_ = 0;
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string_view() : std::string_view(text, static_cast<size_t>(size));
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

// --- Database

void Database::Closer::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Database> Database::Open(const std::string& path, Access access) {
  // SQLite would wait for the other end of a FIFO.
  struct stat is = {};
  if (stat(path.c_str(), &is) == 0 && !S_ISREG(is.st_mode))
    return Fail(ErrorKind::kRefused, path + " is not a file");
  sqlite3* connection = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (access == Access::kReadWrite ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  Database database(connection);  // also closes a connection that failed to open
  if (connection == nullptr) return Fail(ErrorKind::kOverloaded, path + ": out of memory");
  if (code != SQLITE_OK) {
    return Fail(KindOf(code), path + ": cannot be opened: " + sqlite3_errmsg(connection));
  }
  sqlite3_extended_result_codes(connection, 1);
  // The file may be a copy that somebody else could write to: nothing in it is executed.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // A checkpoint and a reader may collide for a moment.
  sqlite3_busy_timeout(connection, 1000);
  return database;
}

Status Database::Run(const std::string& sql) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failed(connection_.get(), code);
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failed(connection_.get(), code);
  return Statement(statement);
}

Result<int64_t> Database::Number(std::string_view sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement) return Fail(statement.error());
  const Result<bool> row = statement->Step();
  if (!row) return Fail(row.error());
  return *row ? statement->Int(0) : 0;
}

Result<std::string> Database::FirstText(std::string_view sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement) return Fail(statement.error());
  const Result<bool> row = statement->Step();
  if (!row) return Fail(row.error());
  return *row ? std::string(statement->Text(0)) : std::string();
}

// In one step, so in one read transaction: with a write-ahead log, writers do not wait for it, and
// their commits do not make it begin again.
Status Database::CopyTo(Database& target) {
  sqlite3* const to = target.connection_.get();
  sqlite3_backup* const copy = sqlite3_backup_init(to, "main", connection_.get(), "main");
  if (copy == nullptr) return Failed(to, sqlite3_errcode(to));
  const int code = sqlite3_backup_step(copy, -1);
  const int finished = sqlite3_backup_finish(copy);  // puts its error into `to`
  if (code == SQLITE_DONE && finished == SQLITE_OK) return {};
  return Failed(to, finished != SQLITE_OK ? finished : code);
}

void Database::KeepLogOnClose(bool keep) {
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

uint64_t Database::Changes() const {
  return static_cast<uint64_t>(sqlite3_changes64(connection_.get()));
}

bool Database::InTransaction() const {
  return sqlite3_get_autocommit(connection_.get()) == 0;
}

std::string Database::FileName() const {
  const char* name = sqlite3_db_filename(connection_.get(), "main");
  return name == nullptr ? "" : name;
}

}  // namespace mailhub::journal
