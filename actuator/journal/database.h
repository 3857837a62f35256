// An SQLite connection and its statements; failures are Results. sqlite3 stays in the .cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"

struct sqlite3;  // SQLite's own
struct sqlite3_stmt;

namespace mailhub::journal {

// A prepared statement. Confined to one thread, must not outlive its Database.
class Statement {
 public:
  // Binds the next parameter, first to last. Text is copied.
  Statement& Bind(int64_t value);
  Statement& Bind(std::string_view value);

  // True: there is a row; its columns may be read until the next call. False: done. Errors as in
  // Database.
  Result<bool> Step();
  // Steps to the end and makes the statement ready for its next use, also after an error.
  Status Execute();
  // Clears row and parameters.
  void Reset();

  int64_t Int(int column) const;
  std::string_view Text(int column) const;  // valid until the next call
  bool IsNull(int column) const;

 private:
  friend class Database;
  struct Closer {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Closer> statement_;
  int bound_ = 0;
};

// Owns one connection. Confined to one thread at a time. Every failure is one of
//   kOverloaded      disk full, or the file is busy: nothing happened, try again later
//   kRefused         no permission, read-only, not a regular file
//   kNotFound        no such file
//   kOutcomeUnknown  an I/O error: the commit may or may not have happened
//   kCorrupt         the file is damaged or no database
//   kInternal        our SQL
class Database {
 public:
  enum class Access { kReadOnly, kReadWrite, kReadWriteExisting };
  // kReadWrite creates the file. Triggers and views of the file are not executed.
  static Result<Database> Open(const std::string& path, Access access);

  Status Run(const std::string& sql);  // one or more statements without results
  Result<Statement> Prepare(std::string_view sql);
  // The first column of the first row as a number; 0 when there is no row or the value is NULL.
  Result<int64_t> Number(std::string_view sql);
  Result<std::string> FirstText(std::string_view sql);
  // Copies one committed state of all of this database into `target`, which is overwritten.
  Status CopyTo(Database& target);
  // How many rows the last INSERT, UPDATE or DELETE has changed.
  uint64_t Changes() const;
  // Whether the write-ahead log stays beside the file on close instead of being merged into it.
  void KeepLogOnClose(bool keep);
  bool InTransaction() const;
  // As opened by SQLite: absolute, links followed.
  std::string FileName() const;

 private:
  struct Closer {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : connection_(connection) {}

  std::unique_ptr<sqlite3, Closer> connection_;
};

}  // namespace mailhub::journal
