// Writes a new SQLite file: tables from their CREATE text, rows as they were read.
#ifndef LITE2PG_ENGINE_SQLITE_DATABASE_WRITER_H_
#define LITE2PG_ENGINE_SQLITE_DATABASE_WRITER_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/digest.h"
#include "coercion/source_value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lite2pg {

// Adds a row's storage classes and bytes to `digest`; equal multisets of rows have equal digests.
void AddStoredRow(std::span<const SourceValue> row, Digest* digest);

// What a file is made with. Values that SQLite does not take are left to its defaults.
struct DatabaseOptions {
  std::string encoding = "UTF-8";  // or "UTF-16le", "UTF-16be"
  int64_t page_size = 4096, auto_vacuum = 0, user_version = 0, application_id = 0;
};

// Move-only; one thread. The file is complete only after Finish(); it is meant to be written under
// a temporary name. CREATE text may come from a hostile file: it is run without triggers, foreign
// keys, CHECKs and functions that SQLite marks as dangerous. Errors carry its code and words.
class DatabaseWriter {
 public:
  // `path` is an empty file. `encoding`: "UTF-8", "UTF-16le" or "UTF-16be".
  static absl::StatusOr<DatabaseWriter> Open(const std::string& path, const std::string& encoding);

  // The same with more of the file's properties.
  static absl::StatusOr<DatabaseWriter> Open(const std::string& path,
                                             const DatabaseOptions& options);

  absl::Status Execute(absl::string_view sql);
  // Runs one CREATE statement of somebody else's, which can then do nothing but declare an ordinary
  // table, index, view or trigger in this file.
  absl::Status Declare(absl::string_view sql);
  // Replaces the text of a table's declaration, for a table whose rows its own declaration would
  // have refused or changed. The layout of both must be the same.
  absl::Status ReplaceDeclaration(absl::string_view table, absl::string_view sql);
  // The first column of all rows.
  absl::StatusOr<std::vector<std::string>> QueryTexts(absl::string_view sql);
  // Prepares for Insert(): a row of `table`, of these columns.
  absl::Status BeginInsert(absl::string_view table, const std::vector<std::string>& columns);
  // Text of a UTF-16 database is given as UTF-8 and lone surrogates as RowSource gives them.
  absl::Status Insert(std::span<const SourceValue> values);
  int64_t last_rowid() const;
  // AddStoredRow over all rows of a table, as the file now holds them.
  absl::StatusOr<Digest> DigestOf(absl::string_view table,
                                  const std::vector<std::string>& columns);
  absl::Status Finish();

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
  absl::StatusOr<Statement> Prepare(absl::string_view sql) const;
  absl::Status Error(int result_code, absl::string_view doing) const;

  std::unique_ptr<sqlite3, Close> db_;
  Statement insert_;
  bool utf16_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_DATABASE_WRITER_H_
