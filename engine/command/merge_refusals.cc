#include "engine/command/merge_refusals.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/row_refusal.h"

namespace lite2pg {
namespace {

// A place of a row as one number: its page and its line in it. A page of 32 KiB, the largest that
// PostgreSQL can be built with, has fewer lines (src/include/storage/itemptr.h).
constexpr uint64_t kLinesPerPage = 2048;

std::string Tid(uint64_t place) {
  return absl::StrCat("'(", place / kLinesPerPage, ",", place % kLinesPerPage,
                      ")'::pg_catalog.tid");
}

class Halving {
 public:
  Halving(PgConnection& connection, const TablePlan& table, size_t table_index, LateRejects* late,
          const RunForRows& run)
      : connection_(connection),
        table_(table),
        table_index_(table_index),
        late_(*late),
        run_(run) {}

  absl::StatusOr<uint64_t> Run() {
    absl::Status refusal;
    ASSIGN_OR_RETURN(const bool done, Try("true", &refusal));
    if (done) return rows_;
    ASSIGN_OR_RETURN(
        const PgResult pages,
        connection_.Query("SELECT pg_catalog.pg_relation_size($1::pg_catalog.regclass) /"
                          " pg_catalog.current_setting('block_size')::pg_catalog.int8",
                          {table_.LoadTarget()}));
    const auto end = static_cast<uint64_t>(pages.Int(0, 0)) * kLinesPerPage;
    RETURN_IF_ERROR(Refused(0, end, refusal));
    return rows_;
  }

 private:
  // False: the server refused rows, and the transaction is as before.
  absl::StatusOr<bool> Try(const std::string& condition, absl::Status* refusal) {
    RETURN_IF_ERROR(connection_.Execute("SAVEPOINT lite2pg_rows"));
    const absl::StatusOr<uint64_t> rows = run_(condition);
    if (rows.ok()) {
      rows_ += *rows;
      RETURN_IF_ERROR(connection_.Execute("RELEASE SAVEPOINT lite2pg_rows"));
      return true;
    }
    *refusal = rows.status();
    if (!connection_.alive() || !IsRowRefusal(InfoOf(*refusal))) return *refusal;
    RETURN_IF_ERROR(connection_.ExecuteAll(
        {"ROLLBACK TO SAVEPOINT lite2pg_rows", "RELEASE SAVEPOINT lite2pg_rows"}));
    return false;
  }

  // Places [from, end) hold a row that is refused.
  absl::Status Refused(uint64_t from, uint64_t end, const absl::Status& refusal) {
    if (end - from <= 1) return end == from ? absl::OkStatus() : Alone(from, refusal);
    uint64_t middle = from + (end - from) / 2;
    // Whole pages first: places beyond a page's last line do not exist.
    if (end - from > kLinesPerPage) middle = middle / kLinesPerPage * kLinesPerPage;
    ASSIGN_OR_RETURN(const bool lower, Half(from, middle));
    // Nothing was wrong with the lower half, so the upper one need not be tried as a whole.
    if (lower) return Refused(middle, end, refusal);
    return Half(middle, end).status();
  }

  // False: some of its rows were refused, and dealt with.
  absl::StatusOr<bool> Half(uint64_t from, uint64_t end) {
    absl::Status refusal;
    ASSIGN_OR_RETURN(const bool done,
                     Try(absl::StrCat("s.ctid >= ", Tid(from), " AND s.ctid < ", Tid(end)),
                         &refusal));
    if (!done) RETURN_IF_ERROR(Refused(from, end, refusal));
    return done;
  }

  absl::Status Alone(uint64_t place, absl::Status refusal) {
    const std::string condition = absl::StrCat("s.ctid = ", Tid(place));
    // Found by exclusion, it has not been tried alone.
    ASSIGN_OR_RETURN(const bool accepted, Try(condition, &refusal));
    if (accepted) return absl::OkStatus();
    ErrorInfo info = InfoOf(refusal);
    RETURN_IF_ERROR(NameColumn(&info));
    const std::string list = table_.ReadColumns("s");
    if (!late_.rejects_refused()) {
      std::string tuple;
      RETURN_IF_ERROR(CopyOut(connection_,
                              absl::StrCat("SELECT ", list, " FROM ", table_.LoadTarget(),
                                           " s WHERE ", condition),
                              [&](absl::string_view bytes) {
                                tuple = std::string(bytes);
                                return absl::OkStatus();
                              })
                          .status());
      info.what = "the server refuses this row";
      info.hint = "mend the row in the source, or set such rows aside with --on-bad-value reject";
      return late_.Locate(connection_, table_index_, tuple, info);
    }
    LateRejects::Why why;
    why.code = ErrorCodeName(info.code);
    why.sqlstate = info.sqlstate;
    why.column = info.column;
    why.reason = info.server.empty() ? info.what : info.server;
    return CopyOut(connection_,
                   absl::StrCat("DELETE FROM ", table_.LoadTarget(), " s WHERE ", condition,
                                " RETURNING ", list),
                   [&](absl::string_view tuple) {
                     return late_.Add(table_index_, tuple, why, /*counted=*/false);
                   })
        .status();
  }

  // The source's name of the column that the server blames, itself or by a constraint.
  absl::Status NameColumn(ErrorInfo* info) {
    std::vector<std::string> names;
    if (!info->column.empty()) {
      names.push_back(info->column);
    } else if (!info->constraint.empty()) {
      ASSIGN_OR_RETURN(names,
                       ConstraintColumns(connection_, table_.MergeTarget(), info->constraint));
    }
    info->column.clear();
    for (const ColumnPlan& column : table_.columns) {
      if (!names.empty() && column.target_name == names[0]) info->column = column.source_name;
    }
    return absl::OkStatus();
  }

  PgConnection& connection_;
  const TablePlan& table_;
  const size_t table_index_;
  LateRejects& late_;
  const RunForRows& run_;
  uint64_t rows_ = 0;
};

}  // namespace

absl::StatusOr<uint64_t> RunForAllRows(PgConnection& connection, const TablePlan& table,
                                       size_t table_index, LateRejects* late,
                                       const RunForRows& run) {
  return Halving(connection, table, table_index, late, run).Run();
}

}  // namespace lite2pg
