#include "engine/postgres/sequences.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

absl::StatusOr<std::string> OwnedSequence(PgConnection& connection,
                                          const SequenceTarget& target) {
  if (!target.sequence.empty()) return target.sequence;
  // The table's name is parsed as an identifier, the column's is taken as it is.
  ASSIGN_OR_RETURN(const PgResult found,
                   connection.Query("SELECT pg_catalog.pg_get_serial_sequence($1, $2)",
                                    {QuoteQualified(target.schema, target.table), target.column}));
  return found.IsNull(0, 0) ? std::string() : std::string(found.Text(0, 0));
}

struct Bounds {
  int64_t start = 1, increment = 1, max = INT64_MAX;
};

absl::StatusOr<Bounds> ReadBounds(PgConnection& connection, const std::string& sequence) {
  ASSIGN_OR_RETURN(const PgResult row,
                   connection.Query("SELECT seqstart, seqincrement, seqmax"
                                    " FROM pg_catalog.pg_sequence"
                                    " WHERE seqrelid = $1::pg_catalog.regclass",
                                    {sequence}));
  Bounds bounds;
  if (row.rows() == 1) bounds = {row.Int(0, 0), row.Int(0, 1), row.Int(0, 2)};
  return bounds;
}

}  // namespace

absl::StatusOr<SequenceSetting> SetSequence(PgConnection& connection,
                                            const SequenceTarget& target) {
  SequenceSetting setting;
  ASSIGN_OR_RETURN(setting.name, OwnedSequence(connection, target));
  if (setting.name.empty()) return setting;
  ASSIGN_OR_RETURN(const Bounds bounds, ReadBounds(connection, setting.name));
  ASSIGN_OR_RETURN(
      const PgResult state,
      connection.Query(absl::StrCat(
          "SELECT s.last_value, s.is_called, (SELECT pg_catalog.max(t.",
          QuoteIdentifier(target.column), ")::pg_catalog.int8 FROM ",
          QuoteQualified(target.schema, target.table), " t) FROM ", setting.name, " s")));
  const int64_t last = state.Int(0, 0);
  const bool called = state.Bool(0, 1);
  setting.last_value = std::max({int64_t{0}, state.Int(0, 2), target.source_sequence});
  if (called) setting.last_value = std::max(setting.last_value, last);
  setting.next_value = called ? last + bounds.increment : last;
  if (bounds.increment < 0) return setting;
  if (setting.last_value < bounds.start) {
    setting.next_value = called ? setting.next_value : bounds.start;
    return setting;
  }
  setting.exhausted = setting.last_value > bounds.max - bounds.increment;
  const int64_t used = std::min(setting.last_value, bounds.max);
  ASSIGN_OR_RETURN(const PgResult set,
                   connection.Query("SELECT pg_catalog.setval($1::pg_catalog.regclass, $2, true)",
                                    {setting.name, absl::StrCat(used)}));
  setting.next_value = setting.exhausted ? 0 : set.Int(0, 0) + bounds.increment;
  return setting;
}

}  // namespace lite2pg
