#include "engine/postgres/sequences.h"

#include <algorithm>

#include "absl/numeric/int128.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/catalog.h"

namespace lite2pg {
namespace {

// Values near both ends of int64 are added and multiplied below.
using Wide = absl::int128;

// The first of start + k * step (k of either sign) that is >= at_least. REQUIRES: step > 0.
Wide AlignUp(Wide at_least, Wide start, Wide step) {
  Wide distance = (at_least - start) % step;
  if (distance < 0) distance += step;
  return distance == 0 ? at_least : at_least + (step - distance);
}

// For a descending sequence the same picture upside down.
SequenceShape Mirrored(const SequenceShape& shape) {
  // -INT64_MIN does not exist; one less at the far end changes nothing that could be told apart.
  const auto negate = [](int64_t v) { return v == INT64_MIN ? INT64_MAX : -v; };
  return {negate(shape.start), negate(shape.increment), negate(shape.max), negate(shape.min)};
}

SequencePosition NextAscending(const SequenceShape& shape, int64_t used, int64_t floor) {
  const Wide step = shape.increment;
  Wide next = AlignUp(Wide(std::max(used, floor)) + 1, shape.start, step);
  if (next < shape.min) next = AlignUp(shape.min, shape.start, step);
  SequencePosition position;
  if (next > shape.max) {
    position.last_value = shape.max;
    position.is_called = true;
    position.exhausted = true;
    return position;
  }
  // As nextval would leave it, where a value below exists; otherwise the first value not called.
  const Wide last = next - step;
  position.is_called = last >= shape.min;
  position.last_value = static_cast<int64_t>(position.is_called ? last : next);
  position.next_value = static_cast<int64_t>(next);
  return position;
}

constexpr absl::string_view kShapeSql =
    "SELECT s.seqstart, s.seqincrement, s.seqmin, s.seqmax FROM pg_catalog.pg_sequence s "
    "WHERE s.seqrelid = $1::regclass";

absl::StatusOr<SequenceShape> ReadShape(PgConnection& connection, const std::string& sequence) {
  ASSIGN_OR_RETURN(const PgResult row, connection.Query(kShapeSql, {sequence}));
  if (row.rows() != 1 || row.Int(0, 1) == 0) {
    return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                     absl::StrCat("not a sequence: ", EscapeName(sequence)));
  }
  return SequenceShape{row.Int(0, 0), row.Int(0, 1), row.Int(0, 2), row.Int(0, 3)};
}

// max(column), or min(column) for a descending sequence, as int64. A numeric column may hold more
// than that, fractions and NaN: cut towards the side that keeps the next value free.
absl::StatusOr<std::optional<int64_t>> ReadOutermost(PgConnection& connection,
                                                     const SequenceRequest& request,
                                                     bool ascending) {
  const std::string column = QuoteIdentifier(request.column);
  const std::string from = absl::StrCat(" FROM ", QuoteQualified(request.schema, request.table));
  const absl::string_view aggregate = ascending ? "pg_catalog.max(" : "pg_catalog.min(";
  const absl::string_view round = ascending ? "pg_catalog.ceil(" : "pg_catalog.floor(";
  const std::string value = absl::StrCat(round, aggregate, column, ")::numeric)::text");
  ASSIGN_OR_RETURN(PgResult row, connection.Query(absl::StrCat("SELECT ", value, from)));
  if (!row.IsNull(0, 0) && row.Text(0, 0) == "NaN") {
    // NaN sorts above all numbers and is none.
    ASSIGN_OR_RETURN(row, connection.Query(absl::StrCat("SELECT ", value, from, " WHERE ", column,
                                                        "::numeric <> 'NaN'")));
  }
  if (row.IsNull(0, 0)) return std::optional<int64_t>();
  const absl::string_view text = row.Text(0, 0);
  int64_t outermost = 0;
  if (absl::SimpleAtoi(text, &outermost)) return std::optional<int64_t>(outermost);
  return std::optional<int64_t>(absl::StartsWith(text, "-") ? INT64_MIN : INT64_MAX);
}

}  // namespace

SequencePosition NextSequencePosition(const SequenceShape& shape, std::optional<int64_t> used) {
  SequencePosition position;
  if (!used.has_value()) {
    position.last_value = position.next_value = shape.start;
    return position;
  }
  if (shape.increment > 0) return NextAscending(shape, *used, 0);
  const SequenceShape mirrored = Mirrored(shape);
  const int64_t mirrored_used = *used == INT64_MIN ? INT64_MAX : -*used;
  // Downwards there is no zero to keep clear of: rows above the start do not matter.
  position = NextAscending(mirrored, mirrored_used, mirrored.start - 1);
  position.last_value = position.exhausted ? shape.min : -position.last_value;
  position.next_value = -position.next_value;
  return position;
}

absl::StatusOr<SequenceResult> SetColumnSequence(PgConnection& connection,
                                                 const SequenceRequest& request) {
  SequenceResult result;
  result.name = request.sequence;
  if (result.name.empty()) {
    ASSIGN_OR_RETURN(result.name,
                     FindColumnSequence(connection, request.schema, request.table, request.column));
    if (result.name.empty()) return result;
  }
  ASSIGN_OR_RETURN(const SequenceShape shape, ReadShape(connection, result.name));
  const bool ascending = shape.increment > 0;
  ASSIGN_OR_RETURN(std::optional<int64_t> used, ReadOutermost(connection, request, ascending));
  if (ascending && request.source_sequence > 0) {
    used = std::max(used.value_or(0), request.source_sequence);
  }
  const SequencePosition position = NextSequencePosition(shape, used);
  RETURN_IF_ERROR(connection.Execute(
      "SELECT pg_catalog.setval($1::regclass, $2::bigint, $3::boolean)",
      {result.name, absl::StrCat(position.last_value), position.is_called ? "t" : "f"}));
  // What the report says is what the server has, not what we asked for.
  ASSIGN_OR_RETURN(const PgResult row, connection.Query(absl::StrCat(
                                           "SELECT last_value, is_called FROM ", result.name)));
  result.last_value = row.Int(0, 0);
  result.exhausted = position.exhausted;
  if (!result.exhausted) {
    result.next_value = result.last_value + (row.Bool(0, 1) ? shape.increment : 0);
  }
  return result;
}

absl::StatusOr<std::string> FindColumnSequence(PgConnection& connection, const std::string& schema,
                                               const std::string& table,
                                               const std::string& column) {
  ASSIGN_OR_RETURN(const std::vector<ColumnSequence> sequences,
                   ReadColumnSequences(connection, schema, table));
  for (const ColumnSequence& found : sequences) {
    if (found.column == column) return found.sequence;
  }
  return std::string();
}

}  // namespace lite2pg
