#include "engine/pipeline/resumed_data.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coercion/row_encoder.h"
#include "engine/base/error.h"
#include "engine/base/exception_status.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_range.h"

namespace lite2pg {
namespace {

// Rows between two looks at the wish to stop.
constexpr uint64_t kRowsPerCheck = 4096;

// As the data stage takes it: rows larger than this go one at a time.
constexpr uint64_t kHugeRowBytes = 8 * kBatchBytes;

// Rows of a part of the source, as they would be sent.
struct Reread {
  Digest digest;
  std::vector<ColumnCounts> counts;
  uint64_t refused = 0;  // rows with a value that its column cannot hold
};

// What the ledger says of a part.
struct Part {
  size_t table = 0;
  KeyRange range;
  Digest digest;
  uint64_t refused = 0;           // rejects that the client found
  Reread refused_by_server;       // rejects that encode well
  uint64_t bytes = 0;
  int64_t chunk = 0;              // 0: the whole of a table without a key
};

absl::Status Subtract(const TablePlan& table, const RejectRecord& reject, Reread* from) {
  std::vector<SourceValue> values;
  for (const OwnedCell& cell : reject.cells) values.push_back(cell.View());
  if (values.size() != table.codecs.size()) {
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     "the ledger's record of a row that was set aside is damaged",
                     "--restart drops what was loaded and starts over");
  }
  RowEncoder encoder(table.codecs);
  FieldBuffer tuple;
  if (encoder.Encode(values, &tuple).outcome != Outcome::kOk) return absl::OkStatus();
  from->digest.Add(encoder.digest());
  from->counts.resize(table.codecs.size());
  for (size_t i = 0; i < from->counts.size(); ++i) {
    from->counts[i].Add(encoder.counts()[i]);
  }
  return absl::OkStatus();
}

void SubtractCounts(const std::vector<ColumnCounts>& less, std::vector<ColumnCounts>* counts) {
  for (size_t i = 0; i < less.size() && i < counts->size(); ++i) {
    for (size_t c = 0; c < kStorageClassCount; ++c) (*counts)[i].classes[c] -= less[i].classes[c];
    for (size_t r = 0; r < kRuleUseCount; ++r) (*counts)[i].rules[r] -= less[i].rules[r];
  }
}

class Checker {
 public:
  Checker(const Plan& plan, SourceSnapshot& snapshot, const ResumeInputs& inputs,
          EventSink& events, const CancelToken& cancel)
      : plan_(plan), snapshot_(snapshot), inputs_(inputs), events_(events), cancel_(cancel) {
    result_.loaded.resize(plan.tables.size());
    result_.from_empty = inputs.from_empty;
    result_.from_empty.resize(plan.tables.size());
    for (size_t i = 0; i < plan.tables.size(); ++i) {
      by_name_[plan.tables[i].source->name] = i;
      result_.loaded[i].counts.resize(plan.tables[i].columns.size());
    }
  }

  absl::StatusOr<ResumedData> Run() {
    RETURN_IF_ERROR(MakeParts());
    RETURN_IF_ERROR(AddRejects());
    RETURN_IF_ERROR(ReadParts());
    RETURN_IF_ERROR(TakeLateRejects());
    RETURN_IF_ERROR(FindRest());
    return std::move(result_);
  }

 private:
  bool Keyed(size_t table) const {
    return plan_.tables[table].reading.key_kind != KeyKind::kNone;
  }

  absl::StatusOr<size_t> IndexOf(const std::string& name) const {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("the ledger has rows of a table that the plan does not have: ",
                                  EscapeName(name)),
                     "--restart drops what was loaded and starts over");
  }

  absl::Status MakeParts() {
    std::map<size_t, size_t> whole;  // table without a key -> part
    for (const ChunkRecord& chunk : inputs_.chunks) {
      // Processes that had joined numbered theirs from further on.
      if (chunk.chunk < kMemberChunks) {
        result_.next_chunk = std::max(result_.next_chunk, chunk.chunk + 1);
      }
      ASSIGN_OR_RETURN(const size_t table, IndexOf(chunk.table));
      if (result_.from_empty[table]) continue;
      size_t part = parts_.size();
      if (!Keyed(table)) part = whole.emplace(table, part).first->second;
      if (part == parts_.size()) parts_.emplace_back();
      parts_[part].table = table;
      parts_[part].digest.Add(chunk.digest);
      parts_[part].bytes += chunk.bytes;
      part_of_chunk_[chunk.chunk] = part;
      if (!Keyed(table)) continue;
      parts_[part].chunk = chunk.chunk;
      ASSIGN_OR_RETURN(parts_[part].range, DecodeKeyRange(chunk.key_range));
    }
    return absl::OkStatus();
  }

  absl::Status AddRejects() {
    for (const RejectRecord& reject : inputs_.rejects) {
      const auto part = part_of_chunk_.find(reject.chunk);
      if (part == part_of_chunk_.end()) continue;
      Part& of = parts_[part->second];
      if (reject.sqlstate.empty()) {
        ++of.refused;
      } else {
        RETURN_IF_ERROR(Subtract(plan_.tables[of.table], reject, &of.refused_by_server));
      }
      ++result_.loaded[of.table].rows_rejected;
    }
    return absl::OkStatus();
  }

  absl::Status ReadParts() {
    std::vector<std::jthread> threads;
    const size_t together = std::min<size_t>(parts_.size(), std::max(1, inputs_.streams));
    for (size_t i = 0; i < together; ++i) {
      threads.emplace_back([this, worker = static_cast<int>(i)] { Work(worker); });
    }
    for (std::jthread& thread : threads) thread.join();
    return error_.status();
  }

  void Work(int worker) {
    while (!error_.stopped()) {
      const size_t index = next_.fetch_add(1);
      if (index >= parts_.size()) break;
      const TablePlan& table = plan_.tables[parts_[index].table];
      events_.timeline.Begin(worker, table.source->name, "loaded before, read again", 0);
      try {
        error_.Set(CheckPart(snapshot_.reader(worker), parts_[index]));
      } catch (const std::exception&) {
        error_.Set(StatusOfException("reading what is loaded"));
      }
    }
    events_.timeline.End(worker);
  }

  absl::Status CheckPart(SqliteConnection& reader, const Part& part) {
    const TablePlan& table = plan_.tables[part.table];
    ASSIGN_OR_RETURN(Reread read, Read(reader, table, part.range));
    Digest digest = read.digest;
    digest.Subtract(part.refused_by_server.digest);
    const bool equal = digest == part.digest && read.refused == part.refused;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!equal && part.chunk == 0) {
      // A scan that was not over: nothing tells where it stopped in a table without a key.
      result_.from_empty[part.table] = true;
      return absl::OkStatus();
    }
    if (!equal) {
      ErrorInfo info;
      info.code = ErrorCode::kSourceChanged;
      info.exit_code = ExitCode::kCannotResume;
      info.table = table.source->name;
      info.what = absl::StrCat("the rows of ", DescribeRange(table.reading, part.range),
                               " are not those that the run loaded (digest ", digest.ToHex(),
                               " instead of ", part.digest.ToHex(), ")");
      info.hint = "--restart starts over with the source as it is; lite2pg sync brings a copy that "
                  "was finished up to date";
      return MakeError(info);
    }
    SubtractCounts(part.refused_by_server.counts, &read.counts);
    LoadedTable& loaded = result_.loaded[part.table];
    loaded.digest.Add(digest);
    loaded.bytes += part.bytes;
    events_.counters.bytes_done += part.bytes;
    for (size_t i = 0; i < read.counts.size(); ++i) {
      loaded.counts[i].Add(read.counts[i]);
    }
    LITE2PG_FAILPOINT("resume.chunk_checked");
    return absl::OkStatus();
  }

  absl::StatusOr<Reread> Read(SqliteConnection& reader, const TablePlan& table,
                              const KeyRange& range) {
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(reader);
    RETURN_IF_ERROR(source->Open(table.reading, range));
    RowEncoder encoder(table.codecs);
    FieldBuffer tuple;
    Reread read;
    for (uint64_t rows = 1;; ++rows) {
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
      if (row.empty()) break;
      tuple.Clear();
      if (encoder.Encode(row, &tuple).outcome != Outcome::kOk) ++read.refused;
      if (tuple.capacity() > 4 * kBatchBytes) tuple.Release();
      ++events_.counters.rows_done;
      if (rows % kRowsPerCheck != 0) continue;
      RETURN_IF_ERROR(cancel_.Check());
      if (error_.stopped()) return error_.status();
    }
    source->Close();
    read.digest = encoder.digest();
    read.counts.assign(encoder.counts().begin(), encoder.counts().end());
    return read;
  }

  // Rows that were taken out again after the load, because their foreign keys point nowhere.
  absl::Status TakeLateRejects() {
    for (const RejectRecord& reject : inputs_.rejects) {
      if (reject.chunk > 0) continue;
      ASSIGN_OR_RETURN(const size_t table, IndexOf(reject.table));
      if (result_.from_empty[table]) continue;
      Reread row;
      RETURN_IF_ERROR(Subtract(plan_.tables[table], reject, &row));
      LoadedTable& loaded = result_.loaded[table];
      loaded.digest.Subtract(row.digest);
      SubtractCounts(row.counts, &loaded.counts);
      ++loaded.rows_rejected;
    }
    return absl::OkStatus();
  }

  absl::Status FindRest() {
    for (size_t i = 0; i < plan_.tables.size(); ++i) {
      const TablePlan& table = plan_.tables[i];
      std::vector<KeyRange> done, left;
      if (result_.from_empty[i]) {
        result_.loaded[i] = LoadedTable();
        result_.loaded[i].counts.resize(table.columns.size());
        left.emplace_back();
      } else {
        for (const Part& part : parts_) {
          if (part.table == i) done.push_back(part.range);
        }
        if (done.empty()) {
          left.emplace_back();
        } else if (Keyed(i)) {
          ASSIGN_OR_RETURN(left, RemainingRanges(snapshot_.reader(0), table.reading,
                                                 std::move(done)));
        }
      }
      // Without a key, all or nothing is there.
      const uint64_t bytes = table.bytes - std::min(table.bytes, result_.loaded[i].bytes);
      for (KeyRange& range : left) {
        WorkRange work;
        work.table = static_cast<int>(i);
        work.range = std::move(range);
        work.weight_bytes = bytes / left.size();
        work.huge = table.row_bytes_max > kHugeRowBytes;
        result_.ranges.push_back(std::move(work));
      }
    }
    return absl::OkStatus();
  }

  const Plan& plan_;
  SourceSnapshot& snapshot_;
  const ResumeInputs& inputs_;
  EventSink& events_;
  const CancelToken& cancel_;
  std::map<std::string, size_t> by_name_;
  std::vector<Part> parts_;
  std::map<int64_t, size_t> part_of_chunk_;
  std::atomic<size_t> next_{0};
  FirstError error_;
  std::mutex mutex_;  // of result_, while parts are read
  ResumedData result_;
};

}  // namespace

absl::StatusOr<ResumedData> CheckLoadedData(const Plan& plan, SourceSnapshot& snapshot,
                                            const ResumeInputs& inputs, EventSink& events,
                                            const CancelToken& cancel) {
  return Checker(plan, snapshot, inputs, events, cancel).Run();
}

}  // namespace lite2pg
