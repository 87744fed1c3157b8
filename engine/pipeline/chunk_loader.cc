#include "engine/pipeline/chunk_loader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/wire.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/row_refusal.h"
#include "engine/postgres/server_text.h"

namespace lite2pg {
namespace {

// Rejects wait for the end of a part and are sent when they reach about this much.
constexpr size_t kRejectBytesMax = size_t{4} << 20;
// Of the columns that a constraint is about, so many values are shown.
constexpr size_t kShownColumnsMax = 4;

constexpr absl::string_view kSavepoint = "lite2pg_part";

size_t SizeOf(const RejectRecord& reject) {
  size_t bytes = 256;
  for (const OwnedCell& cell : reject.cells) bytes += cell.bytes.size() + 32;
  return bytes;
}

std::string BadValuePhrase(const TablePlan& table, const RowOutcome& outcome) {
  return absl::StrCat("the value is ", OutcomePhrase(outcome.outcome), " (column type ",
                      table.columns[static_cast<size_t>(outcome.column)].type.sql_name, ")");
}

// What a refusal by the server comes to for the user: a value that its type cannot hold is a bad
// value like those that we find, all others are constraints.
void ClassifyRefusal(ErrorInfo* info) {
  const absl::string_view state_class = absl::string_view(info->sqlstate).substr(0, 2);
  if (state_class == "22") {
    info->code = ErrorCode::kBadValue;
    info->exit_code = ExitCode::kBadValue;
  } else if (state_class == "54") {
    info->code = ErrorCode::kValueTooLarge;
    info->exit_code = ExitCode::kBadValue;
  } else if (info->code != ErrorCode::kCountDiffers) {
    info->code = ErrorCode::kTargetConstraint;
    info->exit_code = ExitCode::kTargetRefuses;
  }
}

}  // namespace

RejectRecord MakeReject(const TablePlan& table, std::span<const SourceValue> row,
                        const std::string& row_key, int column) {
  RejectRecord reject;
  reject.table = table.source->name;
  reject.row_key = row_key;
  if (column >= 0) reject.column = table.columns[static_cast<size_t>(column)].source_name;
  for (size_t i = 0; i < row.size(); ++i) {
    reject.columns.push_back(table.columns[i].source_name);
    reject.cells.push_back(OwnedCell::From(row[i]));
  }
  return reject;
}

RejectRecord BadValueReject(const TablePlan& table, const RowOutcome& outcome,
                            std::span<const SourceValue> row, const std::string& row_key) {
  RejectRecord reject = MakeReject(table, row, row_key, outcome.column);
  reject.code = ErrorCodeName(ErrorCode::kBadValue);
  reject.reason = BadValuePhrase(table, outcome);
  return reject;
}

absl::Status BadValueError(const TablePlan& table, const RowOutcome& outcome,
                           std::span<const SourceValue> row, const std::string& row_key) {
  const auto column = static_cast<size_t>(outcome.column);
  ErrorInfo info;
  info.code = ErrorCode::kBadValue;
  info.exit_code = ExitCode::kBadValue;
  info.what = BadValuePhrase(table, outcome);
  info.table = table.source->name;
  info.row_key = row_key;
  info.column = table.columns[column].source_name;
  info.value = DescribeTypedValue(row[column]);
  info.hint =
      "mend the value in the source, give the column another type, or use "
      "--on-bad-value reject";
  return MakeError(info);
}

ChunkLoader::ChunkLoader(PgConnection& connection, const Ledger& ledger,
                         const RejectBudget& budget, const TablePlan& table, size_t table_index,
                         RowSource& source, const Options& options)
    : connection_(connection),
      ledger_(ledger),
      budget_(budget),
      table_(table),
      table_index_(table_index),
      source_(source),
      options_(options) {
  result_.counts.resize(table.columns.size());
}

absl::StatusOr<LoadedChunk> ChunkLoader::Load(const ChunkPosition& position,
                                              uint64_t open_rejects) {
  open_rejects_ = open_rejects;
  RETURN_IF_ERROR(LoadPart(position));
  RETURN_IF_ERROR(FlushRejects());
  source_.Close();
  return std::move(result_);
}

absl::Status ChunkLoader::CheckStop() const {
  if (options_.stop == nullptr || !options_.stop->load()) return absl::OkStatus();
  return MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted, "the run is being stopped");
}

absl::Status ChunkLoader::LoadPart(ChunkPosition part) {
  while (part.rows > 0) {
    if (part.rows == 1) return LoadOne(part);
    Attempt attempt;
    ASSIGN_OR_RETURN(const bool loaded, Try(part, &attempt));
    if (loaded) return Accept(attempt);
    // The server cannot have judged rows that were not sent: what it refused is among the others.
    ChunkPosition refused = part;
    refused.rows = attempt.rows;
    part = attempt.end;
    attempt = Attempt();
    RETURN_IF_ERROR(LoadRefused(refused));
  }
  return absl::OkStatus();
}

// `part` as a whole was refused.
absl::Status ChunkLoader::LoadRefused(const ChunkPosition& part) {
  if (part.rows <= 1) return LoadPart(part);
  ChunkPosition first = part;
  first.rows = part.rows / 2;
  ASSIGN_OR_RETURN(ChunkPosition second, Advance(part, first.rows));
  Attempt attempt;
  bool loaded = false;
  if (first.rows == 1) {
    RETURN_IF_ERROR(LoadOne(first));
    return LoadPart(second);
  }
  ASSIGN_OR_RETURN(loaded, Try(first, &attempt));
  if (!loaded) {
    ChunkPosition refused = first;
    refused.rows = attempt.rows;
    const ChunkPosition rest = attempt.end;
    attempt = Attempt();
    RETURN_IF_ERROR(LoadRefused(refused));
    RETURN_IF_ERROR(LoadPart(rest));
    return LoadPart(second);
  }
  RETURN_IF_ERROR(Accept(attempt));
  attempt = Attempt();
  // Nothing was wrong with the first half, so the second need not be tried as a whole.
  return LoadRefused(second);
}

absl::Status ChunkLoader::LoadOne(const ChunkPosition& part) {
  Attempt attempt;
  ASSIGN_OR_RETURN(const bool loaded, Try(part, &attempt));
  return loaded ? Accept(attempt) : Refuse(part, attempt.refusal);
}

// False: the server refused a row of it, and the transaction is as before.
absl::StatusOr<bool> ChunkLoader::Try(const ChunkPosition& part, Attempt* attempt) {
  RETURN_IF_ERROR(CheckStop());
  RETURN_IF_ERROR(connection_.Execute(absl::StrCat("SAVEPOINT ", kSavepoint)));
  attempt->loaded.counts.resize(table_.columns.size());
  const absl::Status status = Send(part, attempt);
  if (status.ok()) {
    RETURN_IF_ERROR(connection_.Execute(absl::StrCat("RELEASE SAVEPOINT ", kSavepoint)));
    return true;
  }
  const ErrorInfo info = InfoOf(status);
  if (!connection_.alive() || !IsRowRefusal(info, table_.is_text_copy()) ||
      info.code == ErrorCode::kBadValue) {
    return status;
  }
  // A key that points to a row of another part would be called dangling.
  const bool across_parts = options_.check_deferred || options_.whole_table;
  if (across_parts && info.sqlstate == "23503") return status;
  RETURN_IF_ERROR(connection_.ExecuteAll({absl::StrCat("ROLLBACK TO SAVEPOINT ", kSavepoint),
                                          absl::StrCat("RELEASE SAVEPOINT ", kSavepoint)}));
  attempt->refusal = status;
  return false;
}

absl::Status ChunkLoader::Send(const ChunkPosition& part, Attempt* attempt) {
  RETURN_IF_ERROR(OpenAt(part));
  {
    CopyIn copy(connection_);
    RETURN_IF_ERROR(
        copy.Begin(table_.LoadTarget(), table_.TargetColumns(), !table_.is_text_copy()));
    const absl::Status status = ReadRows(part, &copy, attempt);
    NoteEnd(part, attempt->rows, &attempt->end);
    RETURN_IF_ERROR(status);
    ASSIGN_OR_RETURN(const uint64_t counted, copy.Finish());
    if (counted != attempt->loaded.digest.rows) {
      return MakeError(ErrorCode::kCountDiffers, ExitCode::kTargetRefuses,
                       absl::StrCat("the server counted ", counted, " of ",
                                    attempt->loaded.digest.rows,
                                    " rows: a trigger or rule on the table drops rows"),
                       "look for a trigger or rule on the table that drops rows");
    }
  }
  if (!options_.check_deferred) return absl::OkStatus();
  return connection_.Execute("SET CONSTRAINTS ALL IMMEDIATE");
}

absl::Status ChunkLoader::ReadRows(const ChunkPosition& part, CopyIn* copy, Attempt* attempt) {
  RowEncoder encoder(table_.codecs, table_.format);
  buffer_.Clear();
  uint64_t rows_told = 0;
  const auto tell = [&] {
    if (options_.on_sent != nullptr) options_.on_sent(attempt->rows - rows_told, buffer_.size());
    rows_told = attempt->rows;
  };
  while (attempt->rows < part.rows) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source_.Next());
    if (row.empty()) {
      return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                       "the source has fewer rows when it is read again",
                       "look for a program that writes the file without SQLite's locks");
    }
    ++attempt->rows;
    const RowOutcome outcome = encoder.Encode(row, &buffer_);
    if (outcome.outcome != Outcome::kOk) [[unlikely]] {
      if (!table_.columns[static_cast<size_t>(outcome.column)].rejects_bad) {
        return BadValueError(table_, outcome, row, source_.DescribeRow());
      }
      attempt->rejects.push_back(BadValueReject(table_, outcome, row, source_.DescribeRow()));
      RETURN_IF_ERROR(budget_.Check(table_index_, open_rejects_ + attempt->rejects.size(),
                                    &attempt->rejects.back()));
    }
    if (buffer_.size() >= kBatchBytes) {
      attempt->loaded.bytes += buffer_.size();
      RETURN_IF_ERROR(copy->Write(buffer_.view()));
      tell();
      if (buffer_.capacity() > 4 * kBatchBytes) {
        buffer_.Release();
      } else {
        buffer_.Clear();
      }
      RETURN_IF_ERROR(CheckStop());
    }
  }
  attempt->loaded.bytes += buffer_.size();
  if (!buffer_.empty()) RETURN_IF_ERROR(copy->Write(buffer_.view()));
  tell();
  attempt->loaded.digest = encoder.digest();
  attempt->loaded.counts.assign(encoder.counts().begin(), encoder.counts().end());
  attempt->loaded.rejected = attempt->rejects.size();
  return absl::OkStatus();
}

absl::Status ChunkLoader::OpenAt(const ChunkPosition& part) {
  // Not the end of the range: the number of rows is the end, wherever another lane began to read.
  RETURN_IF_ERROR(source_.Open(table_.reading, KeyRange{part.after, std::nullopt}));
  if (table_.reading.key_kind != KeyKind::kNone) return absl::OkStatus();
  for (uint64_t row = 0; row < part.skip_rows; ++row) {
    RETURN_IF_ERROR(source_.Next().status());
  }
  return absl::OkStatus();
}

// Where a part goes on after `rows` of its rows, the last of which was read just now.
void ChunkLoader::NoteEnd(const ChunkPosition& part, uint64_t rows, ChunkPosition* end) const {
  *end = part;
  end->rows = part.rows - rows;
  if (table_.reading.key_kind == KeyKind::kNone) {
    end->skip_rows = part.skip_rows + rows;
  } else if (rows > 0) {
    end->after = source_.CurrentKey();
  }
}

absl::StatusOr<ChunkPosition> ChunkLoader::Advance(const ChunkPosition& part, uint64_t rows) {
  ChunkPosition end;
  if (table_.reading.key_kind != KeyKind::kNone) {
    RETURN_IF_ERROR(OpenAt(part));
    for (uint64_t row = 0; row < rows; ++row) RETURN_IF_ERROR(source_.Next().status());
  }
  NoteEnd(part, rows, &end);
  return end;
}

absl::Status ChunkLoader::Accept(Attempt& attempt) {
  result_.digest.Add(attempt.loaded.digest);
  result_.bytes += attempt.loaded.bytes;
  for (size_t i = 0; i < result_.counts.size(); ++i) {
    result_.counts[i].Add(attempt.loaded.counts[i]);
  }
  for (RejectRecord& reject : attempt.rejects) RETURN_IF_ERROR(AddReject(std::move(reject)));
  return absl::OkStatus();
}

// The one row of `part` was refused by the server.
absl::Status ChunkLoader::Refuse(const ChunkPosition& part, const absl::Status& refusal) {
  ErrorInfo info = InfoOf(refusal);
  ClassifyRefusal(&info);
  RETURN_IF_ERROR(OpenAt(part));
  ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source_.Next());
  if (row.empty()) {
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     "a row is gone from the source when it is read again");
  }
  ASSIGN_OR_RETURN(const std::vector<int> blamed, BlamedColumns(info, row));
  if (options_.reject_refused) {
    RejectRecord reject =
        MakeReject(table_, row, source_.DescribeRow(), blamed.empty() ? -1 : blamed[0]);
    reject.code = ErrorCodeName(info.code);
    reject.sqlstate = info.sqlstate;
    // The context holds the server's count of lines, which means nothing to anybody.
    const size_t context = info.server.find("; context: ");
    reject.reason = info.server.empty() ? info.what : info.server.substr(0, context);
    return AddReject(std::move(reject));
  }
  std::vector<std::string> names, values;
  for (const int column : blamed) {
    if (names.size() == kShownColumnsMax) break;
    names.push_back(table_.columns[static_cast<size_t>(column)].source_name);
    values.push_back(DescribeTypedValue(row[static_cast<size_t>(column)]));
  }
  if (blamed.empty()) {
    for (size_t i = 0; i < row.size() && i < kShownColumnsMax; ++i) {
      values.push_back(absl::StrCat(EscapeName(table_.columns[i].source_name), ": ",
                                    DescribeTypedValue(row[i])));
    }
  }
  info.what = info.code == ErrorCode::kCountDiffers ? info.what : "the server refuses this row";
  info.table = table_.source->name;
  info.row_key = source_.DescribeRow();
  info.column = absl::StrJoin(names, ", ");
  info.value = absl::StrJoin(values, ", ");
  if (info.code != ErrorCode::kCountDiffers) {
    info.hint = "mend the row in the source, or set such rows aside with --on-bad-value reject";
  }
  return MakeError(info);
}

// Indexes of the columns that the server named, itself or by the constraint.
absl::StatusOr<std::vector<int>> ChunkLoader::BlamedColumns(const ErrorInfo& info,
                                                            std::span<const SourceValue> row) {
  std::vector<std::string> names;
  if (!info.column.empty()) {
    names.push_back(info.column);
  } else if (!info.constraint.empty()) {
    ASSIGN_OR_RETURN(names, ConstraintColumns(connection_, table_.LoadTarget(), info.constraint));
  }
  std::vector<int> columns;
  for (size_t i = 0; i < table_.columns.size(); ++i) {
    const std::string& name = table_.columns[i].target_name;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      columns.push_back(static_cast<int>(i));
    }
  }
  if (!columns.empty() || !table_.is_text_copy()) return columns;
  // The server says in words which column's input function it was; asking it is surer.
  for (size_t i = 0; i < row.size(); ++i) {
    if (!table_.codecs[i].server_text) continue;
    buffer_.Clear();
    const auto storage_class = static_cast<size_t>(row[i].storage_class);
    buffer_.Reserve(table_.codecs[i].fixed_bytes + table_.codecs[i].expand * row[i].size_bytes);
    if (table_.codecs[i].encode[storage_class](row[i], table_.codecs[i].params, &buffer_) !=
            Outcome::kOk ||
        LoadInt32(buffer_.data()) < 0) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<ServerValue> reading,
                     ReadByServer(connection_, table_.columns[i].type,
                                  {std::string(buffer_.view_from(4))}));
    if (!reading[0].status.ok()) return std::vector<int>{static_cast<int>(i)};
  }
  return columns;
}

absl::Status ChunkLoader::AddReject(RejectRecord reject) {
  reject.chunk = options_.chunk;
  ++result_.rejected;
  ++open_rejects_;
  RETURN_IF_ERROR(budget_.Check(table_index_, open_rejects_, &reject));
  reject_bytes_ += SizeOf(reject);
  rejects_.push_back(std::move(reject));
  return reject_bytes_ < kRejectBytesMax ? absl::OkStatus() : FlushRejects();
}

absl::Status ChunkLoader::FlushRejects() {
  const absl::Status status = InsertRejects(connection_, ledger_, rejects_);
  rejects_.clear();
  reject_bytes_ = 0;
  return status;
}

}  // namespace lite2pg
