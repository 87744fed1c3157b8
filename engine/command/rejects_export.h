// --rejects FILE: the rows that a run set aside, as a file of their own.
#ifndef LITE2PG_ENGINE_COMMAND_REJECTS_EXPORT_H_
#define LITE2PG_ENGINE_COMMAND_REJECTS_EXPORT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// Writes all rejects of the run to `path`, whole or not at all, readable by its owner alone.
// docs/rejects.md draws both forms:
//
// .ndjson   one object per row: id, table, row_key, column, code, sqlstate, reason, chunk, and
//           values with their storage classes; bytes that are no UTF-8 text in hexadecimal.
// .sqlite   the source's tables, by their own CREATE text, with the rows as they were; and the
// table
//           lite2pg_reject with the reasons. Where a declaration would change or refuse its own
//           row (SQLite lets files come to that), the table is made of bare columns instead.
absl::Status ExportRejects(PgConnection& connection, const Ledger& ledger,
                           const SourceCatalog& catalog, const std::string& path);

// A reject as one line of the first form, without the line's end.
std::string RejectToJson(const struct RejectRecord& reject);

// Parts of such lines: `"name":"value",` and `"class":"text","value":"x"`.
std::string JsonMember(absl::string_view name, absl::string_view value);
std::string CellToJson(const struct OwnedCell& cell);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REJECTS_EXPORT_H_
