#include "engine/command/coercion_log.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "coercion/wire.h"
#include "engine/base/atomic_file.h"
#include "engine/base/status_macros.h"
#include "engine/command/copy_report.h"
#include "engine/command/rejects_export.h"
#include "engine/command/source_replay.h"

namespace lite2pg {
namespace {

// Lines are collected to about this much before they are written.
constexpr size_t kFlushBytes = size_t{1} << 20;

class CoercionLog {
 public:
  CoercionLog(const TablePlan& table, AtomicFile* file) : table_(table), file_(*file) {}

  absl::Status Add(const ReplayedRow& row) {
    absl::string_view fields = absl::string_view(row.tuple).substr(2);
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const int32_t length = LoadInt32(fields.data());
      const size_t bytes = 4 + (length < 0 ? 0 : static_cast<size_t>(length));
      AddCell(row, i, fields.substr(0, bytes));
      fields.remove_prefix(bytes);
    }
    return lines_.size() < kFlushBytes ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    const absl::Status status = file_.Write(lines_);
    lines_.clear();
    return status;
  }

 private:
  void AddCell(const ReplayedRow& row, size_t i, absl::string_view field) {
    const ColumnPlan& column = table_.columns[i];
    const ColumnCodec& codec = table_.codecs[i];
    const SourceValue value = row.cells[i].View();
    const RuleUse use = codec.without_rules == nullptr ? RuleUse::kNone
                                                       : UseOfRules(codec, value, &scratch_);
    if (IsNaturalIn(value.storage_class, column.type.oid) && use == RuleUse::kNone) return;
    absl::StrAppend(&lines_, "{", JsonMember("table", table_.source->name),
                    JsonMember("row_key", row.row_key), JsonMember("column", column.source_name),
                    JsonMember("to", column.type.sql_name));
    if (use != RuleUse::kNone) {
      lines_ += JsonMember("rule", kRuleUseNames[static_cast<size_t>(use)]);
    }
    absl::StrAppend(&lines_, "\"before\":{", CellToJson(row.cells[i]), "},");
    std::string text;
    const bool is_null = LoadInt32(field.data()) < 0;
    if (!is_null) (void)codec.decode(field.substr(4), codec.params, &text);  // it is our own field
    std::string after = is_null ? std::string("\"after\":null,") : JsonMember("after", text);
    after.back() = '}';
    absl::StrAppend(&lines_, after, "\n");
  }

  const TablePlan& table_;
  AtomicFile& file_;
  std::string lines_;
  FieldBuffer scratch_;
};

}  // namespace

absl::Status WriteCoercionLog(SqliteConnection& reader, PgConnection& server, const Ledger& ledger,
                              const Plan& plan, const CancelToken& cancel,
                              const std::string& path) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  for (const TablePlan& table : plan.tables) {
    std::vector<RejectRecord> without;
    RETURN_IF_ERROR(
        ReadRejects(server, ledger, &table.source->name, [&](const RejectRecord& reject) {
          without.push_back(reject);
          return absl::OkStatus();
        }));
    CoercionLog log(table, &file);
    ReplayCallbacks callbacks;
    callbacks.on_row = [&](const ReplayedRow& row) { return log.Add(row); };
    RETURN_IF_ERROR(ReplayRows(reader, &server, table, without, callbacks, cancel));
    RETURN_IF_ERROR(log.Flush());
  }
  return file.Commit();
}

}  // namespace lite2pg
