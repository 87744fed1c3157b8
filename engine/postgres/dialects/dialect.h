// What a target that speaks PostgreSQL's protocol does otherwise than PostgreSQL: one file and one
// row each. Code asks for a feature, never for a name.
//
// A dialect that the tests do not run against its real server is not proven: what stands in its row
// is what its makers document, and a copy asks for --experimental (docs/distributed.md).
#ifndef LITE2PG_ENGINE_POSTGRES_DIALECTS_DIALECT_H_
#define LITE2PG_ENGINE_POSTGRES_DIALECTS_DIALECT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace lite2pg {

// How a table is spread over servers, or over time, as the configuration says.
struct TableSpread {
  enum class Kind : uint8_t { kNone, kDistributed, kReference, kHypertable };
  Kind kind = Kind::kNone;
  std::string column;          // the distribution column, or that of the time; unquoted
  std::string chunk_interval;  // of a hypertable; "": the server's default
};

// The defaults are PostgreSQL's.
struct Dialect {
  absl::string_view name = "";   // in the report
  absl::string_view title = "";  // for messages
  absl::string_view marker = "";  // in what version() says; "": none
  absl::string_view extension = "";  // whose presence makes it this dialect; "": none
  bool proven = false;

  // Advisory locks of a session keep two runs apart. Without, only the ledger says that one is
  // under way, and no other process can join it.
  bool session_locks = true;
  // pg_export_snapshot: several connections read one state. Without, one reads alone.
  bool exported_snapshots = true;
  // WHERE ctid >= ...: a large table is read in pieces.
  bool tuple_positions = true;
  // COPY ... TO STDOUT (FORMAT binary), by which everything is verified.
  bool binary_copy_out = true;
  // DEFERRABLE foreign keys.
  bool deferrable_keys = true;
  // DDL is part of its transaction: what is published becomes visible at once.
  bool transactional_ddl = true;
  // pg_stat_database, pg_locks and settings that tell of room for connections and locks.
  bool room_statistics = true;

  // The statement that spreads `table` (quoted, qualified, empty); "" when it cannot be spread like
  // that. `extension_schema` is where the extension's functions are. nullptr: no table can.
  std::string (*spread)(const TableSpread& spread, const std::string& table,
                        const std::string& extension_schema) = nullptr;
};

absl::Span<const Dialect* const> AllDialects();
// PostgreSQL for "" and for a name that is none.
const Dialect& DialectNamed(absl::string_view name);
// By what version() says, and the names of installed extensions.
const Dialect& DetectDialect(absl::string_view version, absl::Span<const std::string> extensions);

extern const Dialect kPostgresDialect;
extern const Dialect kCitusDialect;
extern const Dialect kTimescaleDialect;
extern const Dialect kCockroachDialect;
extern const Dialect kYugabyteDialect;

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_DIALECTS_DIALECT_H_
