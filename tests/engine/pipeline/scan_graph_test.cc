#include "engine/pipeline/scan_graph.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/plan/candidates.h"

namespace lite2pg {
namespace {

// A database file that is gone with the test.
class SampleFile {
 public:
  explicit SampleFile(const std::string& script) {
    char name[] = "/tmp/lite2pg_scan_XXXXXX";
    const int fd = mkstemp(name);
    close(fd);
    path_ = name;
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(name, &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, script.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }
  ~SampleFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Scans every table of the file over `readers` readers.
std::vector<ScannedTable> ScanAll(const std::string& path, int readers, SourceCatalog* catalog,
                                  std::vector<ScanTask>* tasks) {
  auto snapshot = SourceSnapshot::Open(path, readers, SqliteOpenOptions{});
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  auto read = ReadSourceCatalog((*snapshot)->reader(0));
  EXPECT_TRUE(read.ok()) << read.status();
  *catalog = *std::move(read);
  for (const SourceTable& table : catalog->tables) {
    ScanTask task;
    std::vector<int> columns;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      columns.push_back(static_cast<int>(i));
      task.candidates.push_back(CandidatesFor(table.columns[i]));
    }
    task.reading = MakeTableReading(table, columns);
    task.weight_bytes = uint64_t{1} << 30;
    tasks->push_back(std::move(task));
  }
  EventSink events;
  CancelToken cancel;
  auto scanned = ScanTables(*tasks, **snapshot, events, cancel);
  EXPECT_TRUE(scanned.ok()) << scanned.status();
  return *std::move(scanned);
}

Oid ChosenType(const ScanTask& task, const ScannedTable& table, size_t column) {
  const auto chosen = static_cast<size_t>(__builtin_ctz(table.scan.columns[column].alive));
  return task.candidates[column][chosen].type.oid;
}

TEST(ScanTables, SeesEveryRowOnceHoweverManyReadersShareATable) {
  const SampleFile file(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, pad TEXT);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 60000)"
      " INSERT INTO t SELECT i * 7, printf('%0200d', i) FROM n;");
  for (const int readers : {1, 2, 5}) {
    SourceCatalog catalog;
    std::vector<ScanTask> tasks;
    const std::vector<ScannedTable> scanned = ScanAll(file.path(), readers, &catalog, &tasks);
    ASSERT_EQ(scanned.size(), 1u);
    EXPECT_EQ(scanned[0].scan.rows, 60000u) << readers << " readers";
    EXPECT_EQ(scanned[0].scan.columns[0].integer_min, 7);
    EXPECT_EQ(scanned[0].scan.columns[0].integer_max, 420000);
  }
}

TEST(ScanTables, ProvesTypesByEveryValue) {
  const SampleFile file(
      "CREATE TABLE t(a INTEGER, b DATETIME, c BOOLEAN, d VARCHAR(3), e, f JSON, g INTEGER);"
      "INSERT INTO t VALUES (1, '2024-01-02 03:04:05', 1, 'abc', 5, '{\"a\":1}', 1);"
      "INSERT INTO t VALUES (2, '2024-01-02 03:04:06.5', 0, 'abcd', 5.5, '[1]', 'x');");
  SourceCatalog catalog;
  std::vector<ScanTask> tasks;
  const std::vector<ScannedTable> scanned = ScanAll(file.path(), 2, &catalog, &tasks);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 0), kOidInt8);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 1), kOidTimestamp);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 2), kOidBool);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 3), kOidText) << "longer than declared";
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 4), kOidFloat8) << "integers and reals";
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 5), kOidJsonb);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 6), kOidText) << "text in an INTEGER column";
  EXPECT_EQ(scanned[0].scan.columns[6].refused[0].value, "TEXT 1 bytes 'x'");
  EXPECT_EQ(scanned[0].scan.columns[6].refused[0].row_key, "rowid 2");
}

TEST(ScanTables, KeepsDatesThatReadTwoWaysAsText) {
  const SampleFile file(
      "CREATE TABLE t(a DATETIME, b DATETIME, c DATETIME);"
      "INSERT INTO t VALUES ('2024-01-02 03:04:05', '2024-01-02', 1700000000);"
      "INSERT INTO t VALUES ('2024-01-02', '2024-01-03', 1700000001);");
  SourceCatalog catalog;
  std::vector<ScanTask> tasks;
  const std::vector<ScannedTable> scanned = ScanAll(file.path(), 1, &catalog, &tasks);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 0), kOidText);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 1), kOidDate);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 2), kOidInt8);
}

TEST(ScanTables, TakesBytesForTextThatPostgresqlCannotHold) {
  const SampleFile file(
      "CREATE TABLE t(a TEXT, b TEXT);"
      "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT), CAST(x'410042' AS TEXT));");
  SourceCatalog catalog;
  std::vector<ScanTask> tasks;
  const std::vector<ScannedTable> scanned = ScanAll(file.path(), 1, &catalog, &tasks);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 0), kOidBytea);
  EXPECT_EQ(ChosenType(tasks[0], scanned[0], 1), kOidBytea);
}

}  // namespace
}  // namespace lite2pg
