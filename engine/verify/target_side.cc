#include "engine/verify/target_side.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "coercion/wire.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

// Blocks of a table that one COPY reads: 64 MiB at PostgreSQL's default block size.
constexpr int64_t kBlocksPerPart = 8192;

absl::Status NotATuple() {
  return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                   "the server returned a row that is not in the form of its types");
}

// Takes tuples apart and makes them comparable. One per scan.
class TupleReader final : public RowPresenter {
 public:
  explicit TupleReader(const TargetSideTable& table) : table_(table) {
    for (size_t i = 0; i < table.codecs.size(); ++i) {
      any_canonical_ |= table.codecs[i].canonical != nullptr || AsText(i);
    }
  }

  // False when `tuple` is not one of the table's.
  bool Read(absl::string_view tuple, ComparedRow* row) {
    if (tuple.size() < 2 ||
        static_cast<uint16_t>(LoadInt16(tuple.data())) != table_.codecs.size()) {
      return false;
    }
    row->presenter = this;
    row->tuple = tuple;
    row->fields = fields_ = tuple.substr(2);
    absl::string_view rest = fields_, field;
    if (!any_canonical_) {
      for (size_t i = 0; i < table_.codecs.size(); ++i) {
        if (!NextField(&rest, &field)) return false;
      }
      return rest.empty();
    }
    canonical_.Clear();
    for (size_t i = 0; i < table_.codecs.size(); ++i) {
      if (!NextField(&rest, &field) || !PutCanonical(i, field)) return false;
    }
    row->fields = canonical_.view();
    return rest.empty();
  }

  std::string Show(size_t column, size_t bytes_max) const override {
    absl::string_view rest = fields_, field;
    for (size_t i = 0; i <= column; ++i) {
      if (!NextField(&rest, &field)) return "";
    }
    if (LoadInt32(field.data()) < 0) return "NULL";
    const ColumnCodec& codec = table_.codecs[column];
    // Of text, whose bytes are the value, only the part that is wanted is looked at.
    const bool quoted = table_.show_quoted[column];
    if (quoted) {
      return absl::StrCat(
          "'", absl::StrReplaceAll(field.substr(4).substr(0, bytes_max), {{"'", "''"}}), "'");
    }
    std::string text;
    if (!codec.decode(field.substr(4), codec.params, &text)) return "?";
    if (codec.type->oid == kOidBytea && text.size() > 2) {
      return absl::StrCat("x'", text.substr(2, 2 * bytes_max), "'");
    }
    return text.substr(0, bytes_max);
  }

 private:
  bool AsText(size_t column) const { return !table_.as_text.empty() && table_.as_text[column]; }

  bool PutCanonical(size_t column, absl::string_view field) {
    const ColumnCodec& codec = table_.codecs[column];
    const bool is_null = LoadInt32(field.data()) < 0;
    const bool as_text = AsText(column);
    canonical_.Reserve(4 + field.size());
    if (is_null || (codec.canonical == nullptr && !as_text)) {
      canonical_.PutBytes(field);
      return true;
    }
    const size_t at = BeginField(&canonical_);
    if (as_text) {
      text_.clear();
      if (!codec.decode(field.substr(4), codec.params, &text_)) return false;
      canonical_.Reserve(text_.size());
      canonical_.PutBytes(text_);
    } else if (!codec.canonical(field.substr(4), codec.params, &canonical_)) {
      return false;
    }
    EndField(&canonical_, at);
    return true;
  }

  const TargetSideTable& table_;
  bool any_canonical_ = false;
  absl::string_view fields_;
  FieldBuffer canonical_;
  std::string text_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TargetSide>> TargetSide::Open(const PgConnectOptions& connect,
                                                             int workers,
                                                             std::vector<TargetSideTable> tables) {
  std::unique_ptr<TargetSide> side(new TargetSide(std::move(tables)));
  ASSIGN_OR_RETURN(PgConnection first, PgConnection::Connect(connect));
  RETURN_IF_ERROR(first.BeginSnapshot(""));
  std::string snapshot;
  if (workers > 1) {
    // A standby cannot export one (before PostgreSQL 10 none could); one connection is enough then.
    const absl::StatusOr<PgResult> exported =
        first.Query("SELECT pg_catalog.pg_export_snapshot()");
    if (exported.ok()) {
      snapshot = std::string(exported->Text(0, 0));
    } else {
      if (!first.alive()) return exported.status();
      first.Rollback();
      RETURN_IF_ERROR(first.BeginSnapshot(""));
    }
  }
  side->connections_.push_back(std::move(first));
  for (int i = 1; i < workers && !snapshot.empty(); ++i) {
    ASSIGN_OR_RETURN(PgConnection another, PgConnection::Connect(connect));
    RETURN_IF_ERROR(another.BeginSnapshot(snapshot));
    side->connections_.push_back(std::move(another));
  }
  return side;
}

std::unique_ptr<TargetSide> TargetSide::Within(PgConnection& connection,
                                               std::vector<TargetSideTable> tables) {
  std::unique_ptr<TargetSide> side(new TargetSide(std::move(tables)));
  side->borrowed_ = &connection;
  return side;
}

absl::Status TargetSide::NextTables() {
  if (borrowed_ != nullptr) return absl::OkStatus();  // its transaction is not ours to end
  for (PgConnection& connection : connections_) connection.Rollback();
  RETURN_IF_ERROR(connections_[0].BeginSnapshot(""));
  if (connections_.size() == 1) return absl::OkStatus();
  ASSIGN_OR_RETURN(const PgResult exported,
                   connections_[0].Query("SELECT pg_catalog.pg_export_snapshot()"));
  for (size_t i = 1; i < connections_.size(); ++i) {
    RETURN_IF_ERROR(connections_[i].BeginSnapshot(exported.Text(0, 0)));
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> TargetSide::Parts(size_t table) {
  const TargetSideTable& read = tables_[table];
  if (!read.cut_by_position || workers() == 1) return 1;
  return static_cast<size_t>(std::max<int64_t>(1, read.pages / kBlocksPerPart));
}

std::string TargetSide::SelectOf(size_t table) const {
  std::vector<std::string> columns;
  for (const std::string& column : tables_[table].columns) {
    columns.push_back(QuoteIdentifier(column));
  }
  return absl::StrCat("SELECT ", absl::StrJoin(columns, ", "), " FROM ", tables_[table].from);
}

std::string TargetSide::QueryOf(size_t table, size_t part) const {
  const TargetSideTable& read = tables_[table];
  std::string query = SelectOf(table);
  const bool cut = read.cut_by_position && workers() > 1;
  const int64_t parts = cut ? std::max<int64_t>(1, read.pages / kBlocksPerPart) : 1;
  if (parts == 1) return query;
  // The last piece has no end: the table may have grown since its size was asked.
  const auto first = static_cast<int64_t>(part) * kBlocksPerPart;
  absl::StrAppend(&query, " WHERE ctid >= '(", first, ",0)'::pg_catalog.tid");
  if (static_cast<int64_t>(part) + 1 < parts) {
    absl::StrAppend(&query, " AND ctid < '(", first + kBlocksPerPart, ",0)'::pg_catalog.tid");
  }
  return query;
}

absl::Status TargetSide::Scan(int worker, size_t table, size_t part, const RowCallback& on_row) {
  return ScanQuery(worker, table, QueryOf(table, part), on_row);
}

absl::Status TargetSide::ScanKeys(int worker, size_t table, std::span<const int64_t> keys,
                                  const RowCallback& on_row) {
  return ScanQuery(worker, table,
                   absl::StrCat(SelectOf(table), " WHERE ",
                                QuoteIdentifier(tables_[table].key_column), " = ANY ('{",
                                absl::StrJoin(keys, ","), "}'::pg_catalog.int8[])"),
                   on_row);
}

absl::Status TargetSide::ScanInterval(int worker, size_t table, const KeyInterval& interval,
                                      const RowCallback& on_row) {
  const std::string key = QuoteIdentifier(tables_[table].key_column);
  std::vector<std::string> parts;
  if (interval.after.has_value()) {
    parts.push_back(absl::StrCat(key, " > '", *interval.after, "'::pg_catalog.int8"));
  }
  if (interval.up_to.has_value()) {
    const std::string below =
        absl::StrCat(key, " <= '", *interval.up_to, "'::pg_catalog.int8");
    parts.push_back(interval.after.has_value() ? below
                                               : absl::StrCat("(", below, " OR ", key,
                                                              " IS NULL)"));
  }
  std::string query = SelectOf(table);
  if (!parts.empty()) absl::StrAppend(&query, " WHERE ", absl::StrJoin(parts, " AND "));
  return ScanQuery(worker, table, query, on_row);
}

absl::Status TargetSide::ScanQuery(int worker, size_t table, const std::string& query,
                                   const RowCallback& on_row) {
  TupleReader reader(tables_[table]);
  return CopyOut(At(worker), query,
                 [&](absl::string_view tuple) -> absl::Status {
                   ComparedRow row;
                   if (!reader.Read(tuple, &row)) return NotATuple();
                   return on_row(row);
                 })
      .status();
}

absl::StatusOr<uint64_t> TargetSide::Count(int worker, size_t table) {
  ASSIGN_OR_RETURN(
      const PgResult count,
      At(worker).Query(
          absl::StrCat("SELECT pg_catalog.count(*) FROM ", tables_[table].from)));
  return static_cast<uint64_t>(count.Int(0, 0));
}

void TargetSide::Interrupt() {
  for (int worker = 0; worker < workers(); ++worker) At(worker).Cancel();
}

}  // namespace lite2pg
