#include "engine/command/plan_estimate.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/row_encoder.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

// A row's header and pointer, and what alignment and the map of NULLs take on average for each
// column (PostgreSQL documentation, "Database Page Layout").
constexpr uint64_t kRowOverhead = 28;
constexpr uint64_t kColumnOverhead = 2;
// What COPY carries for a row and a field besides its bytes.
constexpr uint64_t kCopyRowOverhead = 2;
constexpr uint64_t kCopyFieldOverhead = 4;
constexpr uint64_t kIndexEntryOverhead = 20;
// B-trees built from sorted entries are filled to 90 %, heaps nearly full.
constexpr double kIndexFill = 0.9;
constexpr double kHeapFill = 0.98;

// Of a machine with two cores that runs server and client (docs/performance.md), rounded down.
constexpr double kGuessedBytesPerSecond = 30e6;
constexpr double kIndexEntriesPerSecond = 1e6;
// Reading back and digesting, beside loading.
constexpr double kVerifyShare = 0.4;
// Every further stream brings about this part of what the first one does.
constexpr double kStreamGain = 0.5;

constexpr size_t kProbeBytesMax = size_t{32} << 20;
constexpr auto kProbeTimeMax = std::chrono::milliseconds(1500);

uint64_t HeapBytes(const TablePlan& table) {
  const uint64_t columns = table.columns.size();
  const uint64_t carried = table.rows * (kCopyRowOverhead + kCopyFieldOverhead * columns);
  const uint64_t values = table.bytes - std::min(table.bytes, carried);
  return static_cast<uint64_t>(
      static_cast<double>(values + table.rows * (kRowOverhead + kColumnOverhead * columns)) /
      kHeapFill);
}

uint64_t IndexEntries(const Plan& plan) {
  uint64_t entries = 0;
  for (const PostObject& object : plan.objects) {
    const bool index = object.kind == PostKind::kPrimaryKey || object.kind == PostKind::kUnique ||
                       object.kind == PostKind::kIndex;
    if (index && object.table >= 0) entries += plan.tables[static_cast<size_t>(object.table)].rows;
  }
  for (const TablePlan& table : plan.tables) {
    if (!table.create) entries += table.rows * table.target.indexes.size();
  }
  return entries;
}

uint64_t CopyBytes(const Plan& plan) {
  uint64_t bytes = 0;
  for (const TablePlan& table : plan.tables) bytes += table.bytes;
  return bytes;
}

double SecondsAt(const Plan& plan, double bytes_per_second, int streams) {
  const double gain = 1 + kStreamGain * (streams - 1);
  const double load = static_cast<double>(CopyBytes(plan)) / (bytes_per_second * gain);
  return load * (1 + kVerifyShare) + static_cast<double>(IndexEntries(plan)) /
                                         (kIndexEntriesPerSecond * gain);
}

// Reads rows of `table` and sends them, until there are enough. Their bytes and the time.
absl::Status SendBurst(PgConnection& connection, const TablePlan& table, SourceSnapshot& snapshot,
                       const std::string& name, double* bytes_per_second) {
  const std::unique_ptr<RowSource> source = snapshot.NewRowSource(0);
  RETURN_IF_ERROR(source->Open(table.reading, KeyRange()));
  RowEncoder encoder(table.codecs);
  FieldBuffer buffer;
  CopyIn copy(connection);
  RETURN_IF_ERROR(copy.Begin(name, table.TargetColumns()));
  const auto begin = Clock::now();
  size_t sent = 0;
  bool more = true;
  while (more && sent < kProbeBytesMax && Clock::now() - begin < kProbeTimeMax) {
    buffer.Clear();
    while (buffer.size() < kBatchBytes) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
      more = !row.empty();
      if (!more) break;
      encoder.Encode(row, &buffer);   // a row that is refused leaves nothing there
    }
    RETURN_IF_ERROR(copy.Write(buffer.view()));
    sent += buffer.size();
  }
  source->Close();
  RETURN_IF_ERROR(copy.Finish().status());
  const std::chrono::duration<double> took = Clock::now() - begin;
  *bytes_per_second = static_cast<double>(sent) / std::max(took.count(), 1e-3);
  return absl::OkStatus();
}

}  // namespace

EstimateReport EstimateCopy(const Plan& plan, const TargetFacts& facts, int streams) {
  EstimateReport estimate;
  estimate.known = true;
  for (const TablePlan& table : plan.tables) {
    estimate.rows += table.rows;
    estimate.target_bytes += HeapBytes(table);
    if (table.rows == 0 || table.columns.empty()) continue;
    const uint64_t field = table.bytes / table.rows / table.columns.size();
    uint64_t indexes = table.create ? 0 : table.target.indexes.size();
    for (const PostObject& object : plan.objects) {
      const bool index = object.kind == PostKind::kPrimaryKey ||
                         object.kind == PostKind::kUnique || object.kind == PostKind::kIndex;
      if (index && object.table >= 0 && &plan.tables[static_cast<size_t>(object.table)] == &table) {
        ++indexes;
      }
    }
    estimate.target_bytes += static_cast<uint64_t>(
        static_cast<double>(indexes * table.rows * (field + kIndexEntryOverhead)) / kIndexFill);
  }
  if (facts.version != 0) estimate.connections_free = facts.connections_free;
  // The streams, the one that holds the run, and the one that asks the server about samples.
  estimate.connections_wanted = streams + 2;
  estimate.seconds = SecondsAt(plan, kGuessedBytesPerSecond, streams);
  estimate.basis = absl::StrCat(
      "rows and bytes as the scan of all values counted them, headers and indexes by rule of "
      "thumb; the time is a guess from ",
      static_cast<int>(kGuessedBytesPerSecond / 1e6),
      " MB/s for the first stream, which --probe replaces by what your server does");
  return estimate;
}

absl::Status ProbeTarget(PgConnection& connection, const Plan& plan, SourceSnapshot& snapshot,
                         EstimateReport* estimate) {
  const TablePlan* largest = nullptr;
  for (const TablePlan& table : plan.tables) {
    if (table.is_text_copy() || table.rows == 0) continue;
    if (largest == nullptr || table.bytes > largest->bytes) largest = &table;
  }
  if (largest == nullptr) return absl::OkStatus();
  std::vector<std::string> columns;
  for (const ColumnPlan& column : largest->columns) {
    columns.push_back(
        absl::StrCat(QuoteIdentifier(column.target_name), " ", column.type.sql_name));
  }
  RETURN_IF_ERROR(connection.Begin());
  double rate = 0;
  absl::Status status = connection.Execute(
      absl::StrCat("CREATE TEMPORARY TABLE lite2pg_probe (", absl::StrJoin(columns, ", "),
                   ") ON COMMIT DROP"));
  if (status.ok()) {
    status = SendBurst(connection, *largest, snapshot, "pg_temp.lite2pg_probe", &rate);
  }
  connection.Rollback();
  RETURN_IF_ERROR(status);
  const int streams = std::max(1, estimate->connections_wanted - 2);
  estimate->measured = true;
  estimate->seconds = SecondsAt(plan, rate, streams);
  estimate->basis = absl::StrCat(
      "rows and bytes as the scan of all values counted them; one stream brought rows of ",
      EscapeName(largest->source->name), " into a temporary table at ",
      FormatBytes(static_cast<uint64_t>(rate)), "/s (which writes no WAL, so that the copy may be "
      "slower), indexes and reading back by rule of thumb");
  return absl::OkStatus();
}

}  // namespace lite2pg
