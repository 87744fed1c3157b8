// Rows set aside, kept in the ledger's table `reject` with the source's own values, so that nothing
// is lost: they commit with their chunk, and come out as they were read. docs/ledger.md draws them.
#ifndef LITE2PG_ENGINE_POSTGRES_REJECTS_H_
#define LITE2PG_ENGINE_POSTGRES_REJECTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/source_value.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {

// A source value that owns its bytes.
struct OwnedCell {
  StorageClass storage_class = StorageClass::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string bytes;  // text as UTF-8 or whatever it is, blobs

  static OwnedCell From(const SourceValue& value);
  SourceValue View() const;  // lives as long as the cell
  friend bool operator==(const OwnedCell&, const OwnedCell&) = default;
};

struct RejectRecord {
  int64_t id = 0;       // given by the server
  int64_t chunk = 0;    // whose transaction it commits in; -1: found after the load
  std::string table;    // source name; like all names here it may hold any bytes
  std::string row_key;  // "id=2 (rowid 2)"
  std::vector<std::string> columns;
  std::vector<OwnedCell> cells;  // one per column
  std::string code;              // "L2P2001"
  std::string sqlstate;          // when the server refused the row
  std::string column;            // the offending one, if one is to blame
  std::string reason;            // a sentence
};

// Adds the rows by COPY to the open transaction of `connection`. REQUIRES: a transaction;
// cells.size() == columns.size(). A row beyond the server's 1 GB fails (kValueTooLarge) before
// anything is sent.
absl::Status InsertRejects(PgConnection& connection, const Ledger& ledger,
                           const std::vector<RejectRecord>& rejects);

// Calls `on_reject` for the rejects of the run, in the order in which they were recorded, or only
// those of one source table. Rows are fetched one by one, whatever their size.
absl::Status ReadRejects(PgConnection& connection, const Ledger& ledger,
                         const std::string* only_table,
                         const std::function<absl::Status(const RejectRecord&)>& on_reject);

struct RejectCount {
  std::string table;
  uint64_t rows = 0;
};
// By source table; tables without rejects do not appear.
absl::StatusOr<std::vector<RejectCount>> CountRejects(PgConnection& connection,
                                                      const Ledger& ledger);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_REJECTS_H_
