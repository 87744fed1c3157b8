#include "engine/pipeline/postdata_graph.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/made_object.h"
#include "engine/report/outcome_text.h"

namespace lite2pg {
namespace {

constexpr int kPhases = 5;
constexpr int kAnalyzePhase = 4;

int PhaseOf(PostKind kind) {
  switch (kind) {
    case PostKind::kGenerated:
      return 0;
    case PostKind::kPrimaryKey:
    case PostKind::kUnique:
    case PostKind::kIndex:
    case PostKind::kCheck:
      return 1;
    case PostKind::kForeignKey:
      return 2;
    case PostKind::kView:
      return 3;
  }
  return 3;
}

// Objects of tables below this size are built many at a time: what they cost is the transaction
// around them and the way to the server, not the building. A batch holds a few locks per object,
// where a server with its default settings has room for about 6,400.
constexpr uint64_t kSmallTableBytes = uint64_t{1} << 20;
constexpr size_t kSmallBatchMax = 100;

// CREATE INDEX lets other CREATE INDEX run on the same table; ALTER TABLE lets nothing.
bool IsShared(PostKind kind) { return kind == PostKind::kIndex; }

// Errors that are about the object and not about the run: the next attempt is tried.
bool IsRefusal(const ErrorInfo& info) {
  if (info.sqlstate.size() != 5) return false;
  const absl::string_view cls = absl::string_view(info.sqlstate).substr(0, 2);
  if (info.sqlstate == "42501") return false;  // insufficient privilege: of the run
  return cls == "23" || cls == "42" || cls == "54" || cls == "22" || cls == "0A" || cls == "2B" ||
         cls == "38" || cls == "XX";
}

class PostData {
 public:
  PostData(const Plan& plan, const PostDataOptions& options, EventSink& events, CancelToken& cancel)
      : plan_(plan),
        options_(options),
        events_(events),
        cancel_(cancel),
        locks_(plan.tables.size()) {
    result_.objects.resize(plan.objects.size());
    done_.resize(plan.objects.size());
  }

  absl::StatusOr<PostDataResult> Run() {
    events_.counters.objects_total = plan_.objects.size();
    RETURN_IF_ERROR(TakeMade());
    const int streams = std::max(1, options_.streams);
    std::vector<PgConnection> connections;
    for (int i = 0; i < streams; ++i) {
      ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options_.connect));
      // Sorting for an index is most of its cost; a larger work area saves passes over the data.
      RETURN_IF_ERROR(connection.Execute("SET maintenance_work_mem = '128MB'"));
      connections.push_back(std::move(connection));
    }
    const CancelToken::Registration on_cancel = cancel_.OnCancel([&] {
      error_.Set(cancel_.Check());
      for (PgConnection& connection : connections) connection.Cancel();
      wake_.notify_all();
    });
    for (int phase = 0; phase < kPhases && !error_.stopped(); ++phase) {
      Load(phase);
      std::vector<std::jthread> threads;
      const size_t useful = phase == 3 ? 1 : std::min(connections.size(), todo_.size());
      for (size_t i = 0; i < useful; ++i) {
        threads.emplace_back(
            [this, phase, worker = static_cast<int>(i), &connection = connections[i]] {
              Work(worker, connection, phase);
            });
      }
      for (std::jthread& thread : threads) thread.join();
    }
    RETURN_IF_ERROR(error_.status());
    return std::move(result_);
  }

 private:
  struct TableLock {
    int shared = 0;
    bool exclusive = false;
  };

  absl::Status TakeMade() {
    for (const MadeRecord& record : options_.made) {
      MadeObject made;
      if (record.number >= done_.size() || !DecodeMadeObject(record.record, &made)) {
        return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                         "the ledger's record of objects that were made is damaged",
                         "--restart drops what was loaded and starts over");
      }
      done_[record.number] = true;
      result_.objects[record.number] = std::move(made.report);
      for (Finding& finding : made.findings) result_.findings.push_back(std::move(finding));
      ++events_.counters.objects_done;
    }
    return absl::OkStatus();
  }

  // Indexes into plan_.objects, or into plan_.tables for ANALYZE.
  void Load(int phase) {
    todo_.clear();
    if (phase == kAnalyzePhase) {
      for (size_t i = 0; i < plan_.tables.size(); ++i) {
        // Tables of the application follow when their indexes are back.
        if (plan_.tables[i].create || plan_.tables[i].merge) todo_.push_back(i);
      }
      return;
    }
    for (size_t i = 0; i < plan_.objects.size(); ++i) {
      if (PhaseOf(plan_.objects[i].kind) == phase && !done_[i]) todo_.push_back(i);
    }
  }

  bool TryLock(const PostObject& object, bool lock) {
    std::vector<int> tables = {object.table};
    if (object.parent_table >= 0 && object.parent_table != object.table) {
      tables.push_back(object.parent_table);
    }
    for (const int table : tables) {
      if (table < 0) continue;
      const TableLock& held = locks_[static_cast<size_t>(table)];
      if (lock && (held.exclusive || (!IsShared(object.kind) && held.shared > 0))) return false;
    }
    for (const int table : tables) {
      if (table < 0) continue;
      TableLock& held = locks_[static_cast<size_t>(table)];
      if (IsShared(object.kind)) {
        held.shared += lock ? 1 : -1;
      } else {
        held.exclusive = lock;
      }
    }
    return true;
  }

  bool IsSmall(int table) const {
    return table < 0 || plan_.tables[static_cast<size_t>(table)].bytes < kSmallTableBytes;
  }

  // May share a transaction with others: what is refused there is tried again by itself.
  bool IsSmall(size_t index, int phase) const {
    if (phase == kAnalyzePhase) return IsSmall(static_cast<int>(index));
    const PostObject& object = plan_.objects[index];
    return object.table >= 0 && IsSmall(object.table) && IsSmall(object.parent_table) &&
           !object.attempts.empty() && object.attempts[0].check_sql.empty();
  }

  // The next thing to do, or many small ones, whose locks can be had; they are taken off todo_.
  std::vector<size_t> TakeReady(int phase) {
    std::vector<size_t> batch;
    const size_t share = todo_.size() / static_cast<size_t>(std::max(1, options_.streams)) + 1;
    const size_t most = std::min(kSmallBatchMax, share);
    std::deque<size_t> rest;
    while (!todo_.empty()) {
      const size_t index = todo_.front();
      const bool small = IsSmall(index, phase);
      const bool fits = batch.empty() || (small && IsSmall(batch.front(), phase));
      if (fits && (phase == kAnalyzePhase || TryLock(plan_.objects[index], true))) {
        batch.push_back(index);
      } else {
        rest.push_back(index);
      }
      todo_.pop_front();
      if (!batch.empty() && (batch.size() >= most || !IsSmall(batch.front(), phase))) break;
    }
    todo_.insert(todo_.begin(), rest.begin(), rest.end());
    return batch;
  }

  // What a worker is at, for the display: the first of a batch stands for all.
  void NoteBegun(int worker, size_t index, int phase) {
    if (phase == kAnalyzePhase) {
      events_.timeline.Begin(worker, plan_.tables[index].source->name, "ANALYZE", 0);
      return;
    }
    const PostObject& object = plan_.objects[index];
    const bool of_table = object.table >= 0;
    events_.timeline.Begin(
        worker, of_table ? plan_.tables[static_cast<size_t>(object.table)].source->name : "",
        absl::StrCat(KindWords(object.report_kind), object.name.empty() ? "" : " ", object.name),
        0);
  }

  void Work(int worker, PgConnection& connection, int phase) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!error_.stopped() && !todo_.empty()) {
      const std::vector<size_t> batch = TakeReady(phase);
      if (batch.empty()) {
        wake_.wait(lock);
        continue;
      }
      lock.unlock();
      NoteBegun(worker, batch.front(), phase);
      error_.Set(phase == kAnalyzePhase ? Analyze(connection, batch) : BuildAll(connection, batch));
      events_.timeline.End(worker);
      lock.lock();
      if (phase != kAnalyzePhase) {
        for (const size_t index : batch) TryLock(plan_.objects[index], false);
      }
      wake_.notify_all();
    }
  }

  // In one transaction; outside of one the server would begin another for each table.
  absl::Status Analyze(PgConnection& connection, const std::vector<size_t>& batch) {
    LITE2PG_FAILPOINT("post_data.analyze.before");
    std::vector<std::string> names;
    for (const size_t index : batch) names.push_back(plan_.tables[index].LoadTarget());
    const std::string sql = absl::StrCat("ANALYZE ", absl::StrJoin(names, ", "));
    if (batch.size() == 1) return connection.Execute(sql);
    RETURN_IF_ERROR(connection.Begin());
    RETURN_IF_ERROR(connection.Execute(sql));
    return connection.Commit();
  }

  absl::Status BuildAll(PgConnection& connection, const std::vector<size_t>& batch) {
    LITE2PG_FAILPOINT("post_data.object.before");
    if (batch.size() > 1) {
      std::vector<std::string> statements;
      for (const size_t index : batch) {
        const PostAttempt& attempt = plan_.objects[index].attempts[0];
        statements.insert(statements.end(), attempt.sql.begin(), attempt.sql.end());
      }
      RETURN_IF_ERROR(connection.Begin());
      const absl::Status status = connection.ExecuteAll(statements);
      if (status.ok()) return RecordAll(connection, batch);
      connection.Rollback();
      if (!IsRefusal(InfoOf(status))) return status;
      // Nothing of the batch is there; each by itself shows which were refused.
    }
    for (const size_t index : batch) RETURN_IF_ERROR(Build(connection, index));
    return absl::OkStatus();
  }

  // Of a batch whose every object is made as wished.
  absl::Status RecordAll(PgConnection& connection, const std::vector<size_t>& batch) {
    std::vector<MadeObject> made;
    for (const size_t index : batch) {
      const PostObject& object = plan_.objects[index];
      made.push_back({ReportOf(object), {}});
      NoteBuilt(object.attempts[0], &made.back().report);
    }
    LITE2PG_FAILPOINT("post_data.object.made");
    for (size_t i = 0; i < batch.size() && options_.ledger != nullptr; ++i) {
      RETURN_IF_ERROR(
          options_.ledger->InsertMade(connection, batch[i], EncodeMadeObject(made[i])));
    }
    LITE2PG_FAILPOINT("post_data.object.commit");
    RETURN_IF_ERROR(connection.Commit());
    LITE2PG_FAILPOINT("post_data.object.done");
    for (size_t i = 0; i < batch.size(); ++i) Done(batch[i], std::move(made[i]));
    return absl::OkStatus();
  }

  ObjectReport ReportOf(const PostObject& object) const {
    ObjectReport report;
    report.kind = object.report_kind;
    report.name = object.name;
    if (object.table >= 0) {
      report.table = plan_.tables[static_cast<size_t>(object.table)].target_name;
    }
    report.sql = object.source_sql;
    report.state = "not_carried";
    return report;
  }

  static void NoteBuilt(const PostAttempt& attempt, ObjectReport* report) {
    report->state = attempt.state;
    report->sql = absl::StrJoin(attempt.sql, "; ");
    report->reason = attempt.note;
  }

  void Done(size_t index, MadeObject made) {
    ++events_.counters.objects_done;
    events_.counters.findings += static_cast<int>(made.findings.size());
    Event done;
    done.kind = Event::Kind::kObjectDone;
    done.stage = Stage::kPostData;
    done.table = plan_.objects[index].name;
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.Emit(done);
    result_.objects[index] = std::move(made.report);
    for (Finding& finding : made.findings) result_.findings.push_back(std::move(finding));
  }

  absl::Status Build(PgConnection& connection, size_t index) {
    const PostObject& object = plan_.objects[index];
    MadeObject made;
    ObjectReport& report = made.report;
    report = ReportOf(object);
    absl::Status refusal;
    for (const PostAttempt& attempt : object.attempts) {
      RETURN_IF_ERROR(connection.Begin());
      const absl::Status status = Try(connection, attempt);
      if (status.ok()) {
        NoteBuilt(attempt, &report);
        break;
      }
      connection.Rollback();
      if (!IsRefusal(InfoOf(status))) return status;
      if (refusal.ok()) refusal = status;
    }
    if (!refusal.ok()) made.findings.push_back(Refused(connection, object, refusal, &report));
    RETURN_IF_ERROR(Record(connection, index, made));
    Done(index, std::move(made));
    return absl::OkStatus();
  }

  // Ends the transaction that has made the object, if there is one.
  absl::Status Record(PgConnection& connection, size_t index, const MadeObject& made) {
    LITE2PG_FAILPOINT("post_data.object.made");
    if (options_.ledger != nullptr) {
      RETURN_IF_ERROR(options_.ledger->InsertMade(connection, index, EncodeMadeObject(made)));
    }
    LITE2PG_FAILPOINT("post_data.object.commit");
    if (connection.in_transaction()) RETURN_IF_ERROR(connection.Commit());
    LITE2PG_FAILPOINT("post_data.object.done");
    return absl::OkStatus();
  }

  static absl::Status Try(PgConnection& connection, const PostAttempt& attempt) {
    if (!attempt.check_sql.empty()) {
      ASSIGN_OR_RETURN(const PgResult check, connection.Query(attempt.check_sql));
      if (check.rows() != 1 || !check.Bool(0, 0)) {
        ErrorInfo info;
        info.code = ErrorCode::kConstraintViolated;
        info.exit_code = ExitCode::kTargetRefuses;
        info.what = "the expression gives another value on the target for some row";
        info.sqlstate = "23000";  // integrity_constraint_violation: a refusal by the data
        return MakeError(info);
      }
    }
    if (attempt.sql.size() == 1) return connection.Execute(attempt.sql[0]);
    return connection.ExecuteAll(attempt.sql);
  }

  // The strongest form was refused: says by what, shows rows, and says what is there instead.
  static Finding Refused(PgConnection& connection, const PostObject& object,
                         const absl::Status& refusal, ObjectReport* report) {
    const ErrorInfo info = InfoOf(refusal);
    const bool by_data = absl::string_view(info.sqlstate).substr(0, 2) == "23";
    const std::string rows = by_data ? Examples(connection, object) : "";
    const std::string said = info.server.empty() ? info.what : info.server;
    if (report->reason.empty()) report->reason = said;
    Finding finding;
    finding.severity = Severity::kWarning;
    finding.code = by_data ? ErrorCode::kConstraintViolated : ErrorCode::kObjectNotCarried;
    finding.object = absl::StrCat(report->table.empty() ? "" : report->table + ".", object.name);
    finding.message = absl::StrCat(
        by_data ? "the data violates this " : "the server refused this ", KindWords(report->kind),
        " (", said, ")", rows, "; ",
        report->state == "not_carried" ? std::string("it was left out") : report->reason);
    finding.hint = by_data ? "mend the rows, then add the constraint by hand"
                           : "see the object's SQL in the report";
    return finding;
  }

  // The sample only explains; a query that the server refuses takes nothing from the finding, nor
  // from the transaction that has made what was possible.
  static std::string Examples(PgConnection& connection, const PostObject& object) {
    if (object.sample_sql.empty()) return "";
    const bool guarded = connection.in_transaction();
    if (guarded && !connection.Execute("SAVEPOINT lite2pg_sample").ok()) return "";
    const absl::StatusOr<PgResult> sample = connection.Query(object.sample_sql);
    std::string rows;
    for (int r = 0; sample.ok() && r < sample->rows(); ++r) {
      absl::StrAppend(&rows, r == 0 ? "; for example " : ", ",
                      EscapeForMessage(sample->Text(r, 0), 120));
    }
    if (guarded) {
      // Should this fail, the transaction cannot be committed, which is found out then.
      connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_sample").IgnoreError();
    }
    return rows;
  }

  const Plan& plan_;
  const PostDataOptions& options_;
  EventSink& events_;
  CancelToken& cancel_;
  FirstError error_;
  std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  std::deque<size_t> todo_;
  std::vector<bool> done_;  // of plan_.objects, before this attempt
  std::vector<TableLock> locks_;
  PostDataResult result_;
};

}  // namespace

absl::StatusOr<PostDataResult> BuildPostData(const Plan& plan, const PostDataOptions& options,
                                             EventSink& events, CancelToken& cancel) {
  return PostData(plan, options, events, cancel).Run();
}

}  // namespace lite2pg
