// Databases for tests, written by SQLite itself in a directory that goes away with the test.
#ifndef LITE2PG_TESTS_ENGINE_SQLITE_TEST_DATABASE_H_
#define LITE2PG_TESTS_ENGINE_SQLITE_TEST_DATABASE_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lite2pg_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A writing connection, with none of the restrictions of ours.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    sqlite3_busy_timeout(db_, 10'000);
  }
  ~Writer() { sqlite3_close_v2(db_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Run(const std::string& sql) {
    char* error = nullptr;
    const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &error);
    EXPECT_EQ(rc, SQLITE_OK) << (error == nullptr ? "" : error) << " in " << sql;
    sqlite3_free(error);
  }
  sqlite3* raw() const { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

// Runs `sql` on the database at `path`, creating it, and closes it again.
inline void WriteDatabase(const std::string& path, const std::string& sql) {
  Writer writer(path);
  writer.Run(sql);
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline SqliteConnection OpenOrDie(const std::string& path, SqliteOpenOptions options = {}) {
  absl::StatusOr<SqliteConnection> connection = SqliteConnection::Open(path, options);
  if (!connection.ok()) {
    ADD_FAILURE() << connection.status();
    std::abort();
  }
  return *std::move(connection);
}

inline SourceCatalog CatalogOrDie(SqliteConnection& connection) {
  absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog(connection);
  if (!catalog.ok()) {
    ADD_FAILURE() << catalog.status();
    std::abort();
  }
  return *std::move(catalog);
}

inline const SourceTable& TableNamed(const SourceCatalog& catalog, const std::string& name) {
  for (const SourceTable& table : catalog.tables) {
    if (table.name == name) return table;
  }
  ADD_FAILURE() << "no table " << name;
  std::abort();
}

// Code and exit code of an error, as "1004/5"; "ok" for none.
inline std::string CodesOf(const absl::Status& status) {
  if (status.ok()) return "ok";
  const ErrorInfo info = InfoOf(status);
  return absl::StrCat(static_cast<int>(info.code), "/", static_cast<int>(info.exit_code));
}

// A value as text that shows its class: "NULL", "5", "2.5", "'abc'", "x'00ff'".
inline std::string Show(const SourceValue& value) {
  switch (value.storage_class) {
    case StorageClass::kNull: return "NULL";
    case StorageClass::kInteger: return absl::StrCat(value.integer);
    case StorageClass::kReal: {
      char text[40];
      std::snprintf(text, sizeof(text), "%.17gr", value.real);
      return text;
    }
    case StorageClass::kText: return absl::StrCat("'", value.bytes(), "'");
    case StorageClass::kBlob: {
      std::string hex = "x'";
      for (const char c : value.bytes()) {
        absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
      }
      return hex + "'";
    }
  }
  return "?";
}

inline std::vector<int> AllColumns(const SourceTable& table) {
  std::vector<int> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) columns.push_back(static_cast<int>(i));
  return columns;
}

// The rows of a range, each as its values joined by '|', in the order they came.
inline absl::StatusOr<std::vector<std::string>> ReadRows(SqliteConnection& connection,
                                                         const TableReading& reading,
                                                         const KeyRange& range = {}) {
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
  const absl::Status opened = source->Open(reading, range);
  if (!opened.ok()) return opened;
  std::vector<std::string> rows;
  while (true) {
    const absl::StatusOr<std::span<const SourceValue>> row = source->Next();
    if (!row.ok()) return row.status();
    if (row->empty()) return rows;
    std::string text;
    for (const SourceValue& value : *row) {
      absl::StrAppend(&text, text.empty() ? "" : "|", Show(value));
    }
    rows.push_back(text);
  }
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_SQLITE_TEST_DATABASE_H_
