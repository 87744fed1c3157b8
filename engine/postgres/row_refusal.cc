#include "engine/postgres/row_refusal.h"

#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// PostgreSQL: src/backend/utils/errcodes.txt. 54 is what a row of more than a page, or an index
// entry that is too long, comes to; P0 are exceptions raised in PL/pgSQL, 38 and 39 those of
// functions in other languages, 21 and 2F slips of functions that triggers call.
constexpr absl::string_view kRowClasses[] = {"21", "22", "23", "2F", "38", "39", "44", "54", "P0"};
// What input functions raise besides: names of things that are not there, texts in a language of
// their own, types without input, and errors without a code.
constexpr absl::string_view kInputClasses[] = {"0A", "3F", "42", "XX"};
// A COPY stream that the server cannot parse, and a statement too deep to run: of no row.
constexpr absl::string_view kNotOfARow[] = {"22P04", "54001"};

}  // namespace

bool IsRowRefusal(const ErrorInfo& info, bool text_copy) {
  // A trigger that swallows a row says nothing; only the server's count tells.
  if (info.code == ErrorCode::kCountDiffers) return true;
  if (info.code == ErrorCode::kTargetConnectionLost || info.sqlstate.size() != 5) return false;
  for (const absl::string_view code : kNotOfARow) {
    if (info.sqlstate == code) return false;
  }
  const absl::string_view state_class = absl::string_view(info.sqlstate).substr(0, 2);
  for (const absl::string_view row_class : kRowClasses) {
    if (state_class == row_class) return true;
  }
  if (!text_copy) return false;
  for (const absl::string_view row_class : kInputClasses) {
    if (state_class == row_class) return true;
  }
  return false;
}

bool IsConflict(const ErrorInfo& info) {
  return info.sqlstate == "40001" || info.sqlstate == "40P01";
}

absl::StatusOr<std::vector<std::string>> ConstraintColumns(PgConnection& connection,
                                                           const std::string& table,
                                                           const std::string& constraint) {
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection.Query(
          "SELECT a.attname FROM pg_catalog.pg_attribute a"
          " WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped"
          " AND (a.attnum IN (SELECT pg_catalog.unnest(c.conkey) FROM pg_catalog.pg_constraint c"
          "   WHERE c.conrelid = $1::pg_catalog.regclass AND c.conname = $2)"
          " OR a.attnum IN (SELECT pg_catalog.unnest(i.indkey::pg_catalog.int2[])"
          "   FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
          "   WHERE i.indrelid = $1::pg_catalog.regclass AND x.relname = $2)"
          " OR a.atttypid IN (SELECT d.contypid FROM pg_catalog.pg_constraint d"
          "   WHERE d.contypid <> 0 AND d.conname = $2)) ORDER BY a.attnum",
          {table, constraint}));
  std::vector<std::string> columns;
  for (int i = 0; i < found.rows(); ++i) columns.emplace_back(found.Text(i, 0));
  return columns;
}

}  // namespace lite2pg
