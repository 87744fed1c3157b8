// Any bytes as a database: the page reader must give what the library gives, and touch nothing that
// is not its own. For libFuzzer (-DLITE2PG_FUZZ=ON with clang; docs/page-reader.md says how).
//
// A file is written per input, because SQLite must open it; use a TMPDIR in memory.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "engine/base/error.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {
namespace {

constexpr int kRowsMax = 2'000;

[[noreturn]] void Fail(const SourceTable& table, const char* what, int row) {
  std::fprintf(stderr, "table %s, row %d: %s\n", table.name.c_str(), row, what);
  std::abort();
}

bool Same(const SourceValue& a, const SourceValue& b) {
  if (a.storage_class != b.storage_class) return false;
  if (a.storage_class == StorageClass::kInteger) return a.integer == b.integer;
  if (a.storage_class == StorageClass::kReal) {
    return std::memcmp(&a.real, &b.real, sizeof(double)) == 0;
  }
  return a.storage_class == StorageClass::kNull || a.bytes() == b.bytes();
}

void CompareTable(SourceSnapshot& snapshot, const SourceTable& table) {
  std::vector<int> columns;
  for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) columns.push_back(i);
  if (columns.empty()) return;
  const TableReading reading = MakeTableReading(table, columns);
  // On a connection of its own: SQLite checks the cells of a page when it first sees it, and what
  // it found wrong then passes from its cache (btreeInitPage in src/btree.c).
  const std::unique_ptr<RowSource> library = NewLibraryRowSource(snapshot.reader(1));
  const std::unique_ptr<RowSource> pages = snapshot.NewRowSource(0);
  const absl::Status library_open = library->Open(reading, {});
  const absl::Status pages_open = pages->Open(reading, {});
  if (library_open.ok() != pages_open.ok()) Fail(table, "only one reader opens it", 0);
  if (!library_open.ok()) return;
  for (int row = 0; row < kRowsMax; ++row) {
    const absl::StatusOr<std::span<const SourceValue>> expected = library->Next();
    const absl::StatusOr<std::span<const SourceValue>> got = pages->Next();
    if (expected.ok() != got.ok()) Fail(table, "only one reader fails", row);
    if (!expected.ok()) {
      if (InfoOf(expected.status()).code != InfoOf(got.status()).code) {
        Fail(table, "the errors differ", row);
      }
      return;
    }
    if (expected->size() != got->size()) Fail(table, "one reader ends before the other", row);
    if (expected->empty()) return;
    for (size_t i = 0; i < got->size(); ++i) {
      if (!Same((*got)[i], (*expected)[i])) Fail(table, "a value differs", row);
    }
  }
}

void CompareFile(const std::string& path) {
  SqliteOpenOptions options;
  options.busy_timeout_ms = 0;
  options.schema_timeout_ms = 500;
  absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
      SourceSnapshot::Open(path, 2, options);
  if (!snapshot.ok()) return;
  const absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog((*snapshot)->reader(0));
  if (!catalog.ok()) return;
  for (const SourceTable& table : catalog->tables) {
    if (table.kind == SourceTableKind::kVirtual || !table.unreadable.empty()) continue;
    CompareTable(**snapshot, table);
  }
}

std::string PathForInput() {
  const char* const directory = std::getenv("TMPDIR");
  return std::string(directory == nullptr ? "/tmp" : directory) + "/pages_fuzz_" +
         std::to_string(getpid()) + ".db";
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = lite2pg::PathForInput();
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  lite2pg::CompareFile(path);
  std::remove(path.c_str());
  return 0;
}
