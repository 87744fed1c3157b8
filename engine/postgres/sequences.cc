#include "engine/postgres/sequences.h"

#include <algorithm>
#include <map>

#include "absl/numeric/int128.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/column_sequences.h"

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

// Requests that share their round trips. Each locks a table and a sequence, and a server with its
// default settings has room for about 6,400 locks.
constexpr size_t kRequestsMax = 500;

// One request on its way.
struct Pending {
  const SequenceRequest* request = nullptr;
  SequenceResult* result = nullptr;
  SequenceShape shape;
  SequencePosition position;
  std::optional<int64_t> used;
};

// Names the sequences of those that were asked for by column.
absl::Status FindSequences(PgConnection& connection, const std::vector<SequenceRequest>& requests,
                           size_t first, size_t last, std::vector<SequenceResult>* results) {
  std::vector<std::string> tables;
  std::vector<size_t> asking;
  for (size_t i = first; i < last; ++i) {
    (*results)[i].name = requests[i].sequence;
    if (!requests[i].sequence.empty()) continue;
    tables.push_back(QuoteQualified(requests[i].schema, requests[i].table));
    asking.push_back(i);
  }
  ASSIGN_OR_RETURN(const std::vector<TableColumnSequence> found,
                   ReadSequencesOfTables(connection, tables));
  for (const TableColumnSequence& sequence : found) {
    const size_t i = asking[sequence.table];
    if (sequence.column == requests[i].column) (*results)[i].name = sequence.sequence;
  }
  return absl::OkStatus();
}

absl::Status ReadShapes(PgConnection& connection, std::vector<Pending>* pending) {
  std::vector<std::string> names;
  for (const Pending& p : *pending) names.push_back(p.result->name);
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query("SELECT s.seqstart, s.seqincrement, s.seqmin, s.seqmax FROM "
                       "pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(t, n) "
                       "LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = u.t::regclass "
                       "ORDER BY u.n",
                       {FormatArray(names)}));
  for (size_t i = 0; i < pending->size(); ++i) {
    const int row = static_cast<int>(i);
    if (rows.Int(row, 1) == 0) {
      return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                       absl::StrCat("not a sequence: ", EscapeName(names[i])));
    }
    (*pending)[i].shape = {rows.Int(row, 0), rows.Int(row, 1), rows.Int(row, 2), rows.Int(row, 3)};
  }
  return absl::OkStatus();
}

// max(column), or min(column) for a descending sequence. A numeric column may hold more than an
// int64, fractions and NaN: cut towards the side that keeps the next value free.
std::string OutermostSql(const Pending& p, absl::string_view condition) {
  const bool ascending = p.shape.increment > 0;
  return absl::StrCat("SELECT ", ascending ? "pg_catalog.ceil(" : "pg_catalog.floor(",
                      ascending ? "pg_catalog.max(" : "pg_catalog.min(",
                      QuoteIdentifier(p.request->column), ")::numeric)::text FROM ",
                      QuoteQualified(p.request->schema, p.request->table), condition);
}

absl::Status ReadOutermost(PgConnection& connection, std::vector<Pending>* pending) {
  std::vector<PgStatement> statements;
  for (const Pending& p : *pending) statements.push_back({OutermostSql(p, ""), {}});
  ASSIGN_OR_RETURN(std::vector<PgResult> rows, connection.QueryAll(statements));
  for (size_t i = 0; i < pending->size(); ++i) {
    Pending& p = (*pending)[i];
    if (!rows[i].IsNull(0, 0) && rows[i].Text(0, 0) == "NaN") {
      // NaN sorts above all numbers and is none.
      const std::string column = QuoteIdentifier(p.request->column);
      ASSIGN_OR_RETURN(rows[i], connection.Query(OutermostSql(
                                    p, absl::StrCat(" WHERE ", column, "::numeric <> 'NaN'"))));
    }
    if (!rows[i].IsNull(0, 0)) {
      const absl::string_view text = rows[i].Text(0, 0);
      int64_t outermost = 0;
      if (!absl::SimpleAtoi(text, &outermost)) {
        outermost = absl::StartsWith(text, "-") ? INT64_MIN : INT64_MAX;
      }
      p.used = outermost;
    }
    if (p.shape.increment > 0 && p.request->source_sequence > 0) {
      p.used = std::max(p.used.value_or(0), p.request->source_sequence);
    }
  }
  return absl::OkStatus();
}

// Columns of several tables may take their values from one sequence: `used` of each name is what
// the requests before have found.
void JoinShared(std::vector<Pending>* pending, std::map<std::string, int64_t>* used) {
  for (const Pending& p : *pending) {
    if (!p.used.has_value()) continue;
    const auto [known, first] = used->emplace(p.result->name, *p.used);
    if (first) continue;
    known->second = p.shape.increment > 0 ? std::max(known->second, *p.used)
                                          : std::min(known->second, *p.used);
  }
  for (Pending& p : *pending) {
    const auto known = used->find(p.result->name);
    if (known != used->end()) p.used = known->second;
    p.position = NextSequencePosition(p.shape, p.used);
  }
}

absl::Status SetAndReadBack(PgConnection& connection, std::vector<Pending>* pending) {
  std::vector<PgStatement> sets, reads;
  for (const Pending& p : *pending) {
    sets.push_back({"SELECT pg_catalog.setval($1::regclass, $2::bigint, $3::boolean)",
                    {p.result->name, absl::StrCat(p.position.last_value),
                     p.position.is_called ? "t" : "f"}});
    reads.push_back({absl::StrCat("SELECT last_value, is_called FROM ", p.result->name), {}});
  }
  RETURN_IF_ERROR(connection.QueryAll(sets).status());
  // What the report says is what the server has, not what we asked for.
  ASSIGN_OR_RETURN(const std::vector<PgResult> rows, connection.QueryAll(reads));
  for (size_t i = 0; i < pending->size(); ++i) {
    const Pending& p = (*pending)[i];
    p.result->last_value = rows[i].Int(0, 0);
    p.result->exhausted = p.position.exhausted;
    if (p.result->exhausted) continue;
    p.result->next_value =
        p.result->last_value + (rows[i].Bool(0, 1) ? p.shape.increment : int64_t{0});
  }
  return absl::OkStatus();
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

absl::StatusOr<std::vector<SequenceResult>> SetColumnSequences(
    PgConnection& connection, const std::vector<SequenceRequest>& requests) {
  std::vector<SequenceResult> results(requests.size());
  std::map<std::string, int64_t> used;
  for (size_t first = 0; first < requests.size(); first += kRequestsMax) {
    const size_t last = std::min(requests.size(), first + kRequestsMax);
    RETURN_IF_ERROR(FindSequences(connection, requests, first, last, &results));
    std::vector<Pending> pending;
    for (size_t i = first; i < last; ++i) {
      if (results[i].name.empty()) continue;
      pending.emplace_back();
      pending.back().request = &requests[i];
      pending.back().result = &results[i];
    }
    RETURN_IF_ERROR(ReadShapes(connection, &pending));
    RETURN_IF_ERROR(ReadOutermost(connection, &pending));
    JoinShared(&pending, &used);
    RETURN_IF_ERROR(SetAndReadBack(connection, &pending));
  }
  return results;
}

}  // namespace lite2pg
