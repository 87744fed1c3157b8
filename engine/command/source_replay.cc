#include "engine/command/source_replay.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coercion/row_encoder.h"
#include "coercion/wire.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/server_text.h"

namespace lite2pg {
namespace {

// Rows that wait for the server's word together.
constexpr size_t kBatchRowsMax = 2000;
constexpr size_t kBatchBytesMax = size_t{2} << 20;

// A row's key is shortened in messages, so that its values have to tell it as well.
std::string IdentityOf(const std::string& row_key, const std::vector<OwnedCell>& cells) {
  std::string bytes = row_key;
  for (const OwnedCell& cell : cells) {
    bytes.push_back(static_cast<char>(cell.storage_class));
    bytes.append(reinterpret_cast<const char*>(&cell.integer), sizeof(cell.integer));
    bytes.append(reinterpret_cast<const char*>(&cell.real), sizeof(cell.real));
    absl::StrAppend(&bytes, cell.bytes.size(), ":", cell.bytes);
  }
  Digest digest;
  digest.AddRow(bytes);
  return digest.ToHex();
}

// The fields of a tuple, without their length words; nullopt is NULL.
std::vector<std::optional<std::string>> FieldsOf(absl::string_view tuple, size_t count) {
  std::vector<std::optional<std::string>> fields(count);
  tuple.remove_prefix(2);
  for (std::optional<std::string>& field : fields) {
    const int32_t length = LoadInt32(tuple.data());
    const size_t bytes = length < 0 ? 0 : static_cast<size_t>(length);
    if (length >= 0) field = std::string(tuple.substr(4, bytes));
    tuple.remove_prefix(4 + bytes);
  }
  return fields;
}

std::string TupleOf(const std::vector<std::optional<std::string>>& fields) {
  FieldBuffer tuple(2);
  tuple.PutInt16(static_cast<int16_t>(fields.size()));
  for (const std::optional<std::string>& field : fields) {
    tuple.Reserve(4 + (field.has_value() ? field->size() : 0));
    tuple.PutInt32(field.has_value() ? static_cast<int32_t>(field->size()) : -1);
    if (field.has_value()) tuple.PutBytes(*field);
  }
  return std::string(tuple.view());
}

class Replay {
 public:
  Replay(SqliteConnection& reader, PgConnection* server, const TablePlan& table,
         const ReplayCallbacks& callbacks, const CancelToken& cancel)
      : reader_(reader), server_(server), table_(table), callbacks_(callbacks), cancel_(cancel) {}

  absl::Status Run(const std::vector<RejectRecord>& without) {
    std::map<std::string, uint64_t> passed_over;
    for (const RejectRecord& reject : without) {
      if (reject.table == table_.source->name) {
        ++passed_over[IdentityOf(reject.row_key, reject.cells)];
      }
    }
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(reader_);
    RETURN_IF_ERROR(source->Open(table_.reading, KeyRange()));
    RowEncoder encoder(table_.codecs);
    FieldBuffer tuple;
    while (true) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
      if (row.empty()) break;
      ReplayedRow replayed;
      replayed.row_key = source->DescribeRow();
      for (const SourceValue& value : row) {
        replayed.cells.push_back(OwnedCell::From(value));
        bytes_ += value.size_bytes;
      }
      if (!passed_over.empty()) {
        const auto found = passed_over.find(IdentityOf(replayed.row_key, replayed.cells));
        if (found != passed_over.end() && found->second > 0) {
          --found->second;
          continue;
        }
      }
      tuple.Clear();
      if (encoder.Encode(row, &tuple).outcome != Outcome::kOk) continue;
      replayed.tuple = std::string(tuple.view());
      rows_.push_back(std::move(replayed));
      if (rows_.size() >= kBatchRowsMax || bytes_ >= kBatchBytesMax) RETURN_IF_ERROR(Flush());
    }
    source->Close();
    return Flush();
  }

 private:
  absl::Status Flush() {
    RETURN_IF_ERROR(cancel_.Check());
    if (table_.is_text_copy()) RETURN_IF_ERROR(AskServer());
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (!refused_.contains(i)) RETURN_IF_ERROR(callbacks_.on_row(rows_[i]));
    }
    rows_.clear();
    refused_.clear();
    bytes_ = 0;
    return absl::OkStatus();
  }

  absl::Status AskServer() {
    std::vector<std::vector<std::optional<std::string>>> fields;
    for (const ReplayedRow& row : rows_) {
      fields.push_back(FieldsOf(row.tuple, table_.codecs.size()));
    }
    for (size_t column = 0; column < table_.codecs.size(); ++column) {
      if (!table_.codecs[column].server_text) continue;
      std::vector<std::string> texts;
      std::vector<size_t> places;
      for (size_t i = 0; i < rows_.size(); ++i) {
        if (!fields[i][column].has_value() || refused_.contains(i)) continue;
        texts.push_back(*fields[i][column]);
        places.push_back(i);
      }
      ASSIGN_OR_RETURN(const std::vector<ServerValue> readings,
                       ReadByServer(*server_, table_.columns[column].type, texts));
      for (size_t k = 0; k < readings.size(); ++k) {
        fields[places[k]][column] = readings[k].text;
        if (readings[k].status.ok()) continue;
        refused_.emplace(places[k], column);
        if (callbacks_.on_refused == nullptr) continue;
        RETURN_IF_ERROR(callbacks_.on_refused(rows_[places[k]], column, readings[k].status));
      }
    }
    for (size_t i = 0; i < rows_.size(); ++i) rows_[i].tuple = TupleOf(fields[i]);
    return absl::OkStatus();
  }

  SqliteConnection& reader_;
  PgConnection* const server_;
  const TablePlan& table_;
  const ReplayCallbacks& callbacks_;
  const CancelToken& cancel_;
  std::vector<ReplayedRow> rows_;
  std::map<size_t, size_t> refused_;  // index into rows_, and the column
  size_t bytes_ = 0;
};

// The first value of a column that the server refused, and how many.
struct Refused {
  uint64_t count = 0;
  std::string value, row_key, server;
};

Finding Describe(const ColumnPlan& column, const Refused& refused, const LoadPolicy& policy,
                 const TablePlan& table) {
  uint64_t rows_max = policy.max_rejects_rows;
  if (policy.max_rejects_percent >= 0) {
    const double part = policy.max_rejects_percent / 100 * static_cast<double>(table.rows);
    rows_max = std::min(rows_max, static_cast<uint64_t>(part));
  }
  const bool sets_aside = column.rejects_bad && refused.count <= rows_max;
  Finding finding;
  finding.severity = sets_aside ? Severity::kWarning : Severity::kBlocking;
  finding.code = ErrorCode::kBadValue;
  finding.object = absl::StrCat(table.source->name, ".", column.source_name);
  finding.message = absl::StrCat(
      refused.count, " value(s) are none of type ", EscapeForMessage(column.type.sql_name, 100),
      "; the first is ", refused.value, " at ", refused.row_key, "; the server says: ",
      EscapeForMessage(refused.server, 300));
  if (sets_aside) {
    absl::StrAppend(&finding.message, "; their rows are set aside");
    finding.hint = "lite2pg.reject on the target keeps them; --rejects FILE writes them to a file";
  } else if (column.rejects_bad) {
    finding.hint = "mend them in the source, or allow more with --max-rejects";
  } else {
    finding.hint = "mend them in the source, or set such rows aside with --on-bad-value reject";
  }
  return finding;
}

}  // namespace

absl::Status ReplayRows(SqliteConnection& reader, PgConnection* server, const TablePlan& table,
                        const std::vector<RejectRecord>& without,
                        const ReplayCallbacks& callbacks, const CancelToken& cancel) {
  return Replay(reader, server, table, callbacks, cancel).Run(without);
}

absl::Status CheckServerText(SqliteConnection& reader, PgConnection& server,
                             const LoadPolicy& policy, const CancelToken& cancel, Plan* plan) {
  for (const TablePlan& table : plan->tables) {
    if (!table.is_text_copy()) continue;
    std::map<size_t, Refused> by_column;
    ReplayCallbacks callbacks;
    callbacks.on_row = [](const ReplayedRow&) { return absl::OkStatus(); };
    callbacks.on_refused = [&](const ReplayedRow& row, size_t column,
                               const absl::Status& refusal) {
      Refused& refused = by_column[column];
      if (refused.count++ > 0) return absl::OkStatus();
      refused.value = DescribeTypedValue(row.cells[column].View());
      refused.row_key = row.row_key;
      refused.server = InfoOf(refusal).server;
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(ReplayRows(reader, &server, table, {}, callbacks, cancel));
    for (const auto& [column, refused] : by_column) {
      plan->findings.push_back(Describe(table.columns[column], refused, policy, table));
    }
  }
  return absl::OkStatus();
}

absl::Status DigestServerText(SqliteConnection& reader, PgConnection& server,
                              const Ledger& ledger, const Plan& plan, const CancelToken& cancel,
                              std::vector<LoadedTable>* loaded) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    if (!table.is_text_copy()) continue;
    std::vector<RejectRecord> without;
    RETURN_IF_ERROR(
        ReadRejects(server, ledger, &table.source->name, [&](const RejectRecord& reject) {
          without.push_back(reject);
          return absl::OkStatus();
        }));
    Digest digest;
    FieldBuffer scratch;
    ReplayCallbacks callbacks;
    callbacks.on_row = [&](const ReplayedRow& row) {
      if (AddTupleToDigest(row.tuple, table.codecs, &scratch, &digest)) return absl::OkStatus();
      return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                       "a row that is read again is not in the form of its types");
    };
    RETURN_IF_ERROR(ReplayRows(reader, &server, table, without, callbacks, cancel));
    // Whatever the reason, rows that are not accounted for must show.
    if (digest.rows != (*loaded)[i].digest.rows) {
      ErrorInfo info;
      info.code = ErrorCode::kCountDiffers;
      info.exit_code = ExitCode::kDiffers;
      info.table = table.source->name;
      info.what = absl::StrCat("by the server's word ", digest.rows,
                               " rows can be stored, but it took ", (*loaded)[i].digest.rows);
      return MakeError(info);
    }
    (*loaded)[i].digest = digest;
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
