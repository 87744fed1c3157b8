#include "engine/command/late_rejects.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/row_encoder.h"
#include "coercion/wire.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/postgres/server_text.h"

namespace lite2pg {
namespace {

// Chunk number of rejects that belong to no chunk's transaction.
constexpr int64_t kNoChunk = -1;
constexpr size_t kFlushBytes = size_t{4} << 20;
constexpr size_t kShownColumnsMax = 4;

absl::Status NoSuchRow(const TablePlan& table) {
  ErrorInfo info;
  info.what = "a row of the target that was set aside has no partner in the source";
  info.table = table.source->name;
  info.effect = "nothing was set aside";
  return MakeError(info);
}

}  // namespace

absl::Status LateRejects::Add(size_t table, absl::string_view tuple, Why why, bool counted) {
  ASSIGN_OR_RETURN(Pending pending, Describe(table, tuple));
  pending.why = std::move(why);
  pending.counted = counted;
  const RowHash key = KeyOf(table, pending.fields);
  RejectBudget budget(policy_, plan_);
  for (size_t i = 0; i < loaded_.size(); ++i) {
    uint64_t rows = loaded_[i].rows_rejected;
    if (const auto more = pending_.find(i); more != pending_.end()) rows += more->second.size();
    budget.Commit(i, rows);
  }
  RejectRecord last;
  last.column = pending.why.column;
  last.reason = pending.why.reason;
  RETURN_IF_ERROR(budget.Check(table, 1, &last));
  pending_[table].emplace(key, std::move(pending));
  added_.push_back({table, std::string(tuple)});
  return absl::OkStatus();
}

LateRejects::State LateRejects::Save() const { return {pending_, added_.size()}; }

void LateRejects::Restore(const State& state) {
  pending_ = state.pending;
  added_.resize(state.added);
}

absl::StatusOr<LateRejects::Pending> LateRejects::Describe(size_t table,
                                                           absl::string_view tuple) const {
  const TablePlan& plan = plan_.tables[table];
  const absl::Status malformed =
      MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                "the server returned a row that is not in the form of its types");
  Pending pending;
  FieldBuffer scratch;
  if (!AddTupleToDigest(tuple, plan.codecs, &scratch, &pending.digest)) return malformed;
  tuple.remove_prefix(2);
  for (const ColumnCodec& codec : plan.codecs) {
    const int32_t length = LoadInt32(tuple.data());
    const size_t size = length < 0 ? 0 : static_cast<size_t>(length);
    const absl::string_view field = tuple.substr(4, size);
    Digest digest;
    if (length < 0) {
      // No field of 4 bytes or more hashes like this; none hashes to zero on purpose either.
    } else if (codec.canonical == nullptr) {
      digest.AddRow(field);
    } else {
      scratch.Clear();
      if (!codec.canonical(field, codec.params, &scratch)) return malformed;
      digest.AddRow(scratch.view());
    }
    pending.fields.emplace_back(digest.low, digest.high);
    tuple.remove_prefix(4 + size);
  }
  return pending;
}

// --fill changed columns after they were loaded, and the server prints those that only it reads in
// its own way; the others say which row it may be.
LateRejects::RowHash LateRejects::KeyOf(size_t table, const std::vector<RowHash>& fields) const {
  const TablePlan& plan = plan_.tables[table];
  FieldBuffer bytes(16 * fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool filled = std::any_of(
        plan.fills.begin(), plan.fills.end(),
        [&](const FillPlan& fill) { return fill.column == plan.columns[i].target_name; });
    if (filled || plan.codecs[i].server_text) continue;
    bytes.PutInt64(static_cast<int64_t>(fields[i].first));
    bytes.PutInt64(static_cast<int64_t>(fields[i].second));
  }
  Digest digest;
  digest.AddRow(bytes.view());
  return {digest.low, digest.high};
}

absl::Status LateRejects::FindRows(PgConnection& connection, size_t table, PendingRows* wanted,
                                   const std::vector<std::string>& taken_keys,
                                   const OnFound& on_found) {
  const TablePlan& plan = plan_.tables[table];
  const std::set<std::string> taken(taken_keys.begin(), taken_keys.end());
  // Rows that are like it in all columns first, then those that only --fill has made so.
  RETURN_IF_ERROR(FindRowsOnce(connection, table, /*exact=*/true, taken, wanted, on_found));
  if (!plan.fills.empty()) {
    RETURN_IF_ERROR(FindRowsOnce(connection, table, /*exact=*/false, taken, wanted, on_found));
  }
  return wanted->empty() ? absl::OkStatus() : NoSuchRow(plan);
}

absl::StatusOr<bool> LateRejects::ReadServerText(PgConnection& connection, size_t table,
                                                 absl::string_view tuple,
                                                 std::vector<RowHash>* fields) const {
  const TablePlan& plan = plan_.tables[table];
  tuple.remove_prefix(2);
  for (size_t i = 0; i < plan.codecs.size(); ++i) {
    const int32_t length = LoadInt32(tuple.data());
    const size_t size = length < 0 ? 0 : static_cast<size_t>(length);
    if (plan.codecs[i].server_text && length >= 0) {
      ASSIGN_OR_RETURN(const std::vector<ServerValue> reading,
                       ReadByServer(connection, plan.columns[i].type,
                                    {std::string(tuple.substr(4, size))}));
      if (!reading[0].status.ok()) return false;
      Digest digest;
      digest.AddRow(reading[0].text);
      (*fields)[i] = {digest.low, digest.high};
    }
    tuple.remove_prefix(4 + size);
  }
  return true;
}

absl::Status LateRejects::FindRowsOnce(PgConnection& connection, size_t table, bool exact,
                                       const std::set<std::string>& taken, PendingRows* wanted,
                                       const OnFound& on_found) {
  const TablePlan& plan = plan_.tables[table];
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(snapshot_.reader(0));
  RETURN_IF_ERROR(source->Open(plan.reading, KeyRange()));
  RowEncoder encoder(plan.codecs);
  FieldBuffer tuple;
  while (!wanted->empty()) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
    if (row.empty()) break;
    tuple.Clear();
    if (encoder.Encode(row, &tuple).outcome != Outcome::kOk) continue;
    ASSIGN_OR_RETURN(Pending here, Describe(table, tuple.view()));
    auto [candidate, end] = wanted->equal_range(KeyOf(table, here.fields));
    if (candidate != end && plan.is_text_copy()) {
      ASSIGN_OR_RETURN(const bool readable,
                       ReadServerText(connection, table, tuple.view(), &here.fields));
      if (!readable) continue;
    }
    const auto is_it = [&](const Pending& pending) {
      bool same = true;
      for (size_t i = 0; i < here.fields.size(); ++i) {
        // --fill makes something of NULL, and nothing of anything else.
        const bool filled = !exact && here.fields[i] == RowHash();
        same = same && (filled || here.fields[i] == pending.fields[i]);
      }
      return same;
    };
    while (candidate != end && !is_it(candidate->second)) ++candidate;
    if (candidate == end) continue;
    const std::string row_key = source->DescribeRow();
    if (taken.contains(row_key)) continue;
    RETURN_IF_ERROR(on_found(row, row_key, candidate->second));
    wanted->erase(candidate);
  }
  source->Close();
  return absl::OkStatus();
}

absl::Status LateRejects::Record(PgConnection& connection, const Ledger& ledger) {
  for (auto& [table, rows] : pending_) {
    const TablePlan& plan = plan_.tables[table];
    LoadedTable& loaded = loaded_[table];
    // A row that is recorded already may be like one of these in all columns.
    std::vector<std::string> taken;
    const auto on_earlier = [&](const RejectRecord& reject) {
      taken.push_back(reject.row_key);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(ReadRejects(connection, ledger, &plan.source->name, on_earlier));
    std::vector<RejectRecord> records;
    FieldBuffer scratch;
    size_t bytes = 0;
    const auto on_found = [&](std::span<const SourceValue> row, const std::string& row_key,
                              const Pending& pending) -> absl::Status {
      RejectRecord reject = MakeReject(plan, row, row_key, -1);
      reject.chunk = kNoChunk;
      reject.code = pending.why.code;
      reject.sqlstate = pending.why.sqlstate;
      reject.column = pending.why.column;
      reject.reason = pending.why.reason;
      ++loaded.rows_rejected;
      if (pending.counted) loaded.digest.Subtract(pending.digest);
      for (size_t i = 0; i < row.size() && i < loaded.counts.size(); ++i) {
        --loaded.counts[i].classes[static_cast<size_t>(row[i].storage_class)];
        if (plan.codecs[i].without_rules != nullptr) {
          --loaded.counts[i].rules[static_cast<size_t>(
              UseOfRules(plan.codecs[i], row[i], &scratch))];
        }
        bytes += row[i].size_bytes + 64;
      }
      records.push_back(std::move(reject));
      if (bytes < kFlushBytes) return absl::OkStatus();
      bytes = 0;
      const absl::Status status = InsertRejects(connection, ledger, records);
      records.clear();
      return status;
    };
    RETURN_IF_ERROR(FindRows(connection, table, &rows, taken, on_found));
    RETURN_IF_ERROR(InsertRejects(connection, ledger, records));
  }
  pending_.clear();
  return absl::OkStatus();
}

absl::Status LateRejects::Locate(PgConnection& connection, size_t table,
                                 absl::string_view tuple, ErrorInfo error) {
  const TablePlan& plan = plan_.tables[table];
  ASSIGN_OR_RETURN(Pending pending, Describe(table, tuple));
  const RowHash key = KeyOf(table, pending.fields);
  PendingRows wanted;
  wanted.emplace(key, std::move(pending));
  error.table = plan.source->name;
  const auto on_found = [&](std::span<const SourceValue> row, const std::string& row_key,
                            const Pending&) {
    error.row_key = row_key;
    std::vector<std::string> values;
    for (size_t i = 0; i < row.size() && values.size() < kShownColumnsMax; ++i) {
      const ColumnPlan& column = plan.columns[i];
      const std::string value = DescribeTypedValue(row[i]);
      if (column.source_name == error.column) {
        values = {value};
        break;
      }
      values.push_back(absl::StrCat(EscapeName(column.source_name), ": ", value));
    }
    error.value = absl::StrJoin(values, ", ");
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(FindRows(connection, table, &wanted, {}, on_found));
  return MakeError(error);
}

}  // namespace lite2pg
