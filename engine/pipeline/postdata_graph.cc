#include "engine/pipeline/postdata_graph.h"

#include <algorithm>
#include <condition_variable>
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
      std::vector<std::thread> threads;
      const size_t useful = phase == 3 ? 1 : std::min(connections.size(), todo_.size());
      for (size_t i = 0; i < useful; ++i) {
        threads.emplace_back(
            [this, phase, &connection = connections[i]] { Work(connection, phase); });
      }
      for (std::thread& thread : threads) thread.join();
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

  void Work(PgConnection& connection, int phase) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!error_.stopped() && !todo_.empty()) {
      const auto ready = std::find_if(todo_.begin(), todo_.end(), [&](size_t i) {
        return phase == kAnalyzePhase || TryLock(plan_.objects[i], true);
      });
      if (ready == todo_.end()) {
        wake_.wait(lock);
        continue;
      }
      const size_t index = *ready;
      todo_.erase(ready);
      lock.unlock();
      const absl::Status status =
          phase == kAnalyzePhase ? Analyze(connection, index) : Build(connection, index);
      error_.Set(status);
      lock.lock();
      if (phase != kAnalyzePhase) TryLock(plan_.objects[index], false);
      wake_.notify_all();
    }
  }

  absl::Status Analyze(PgConnection& connection, size_t table) {
    LITE2PG_FAILPOINT("post_data.analyze.before");
    return connection.Execute(absl::StrCat("ANALYZE ", plan_.tables[table].LoadTarget()));
  }

  absl::Status Build(PgConnection& connection, size_t index) {
    LITE2PG_FAILPOINT("post_data.object.before");
    const PostObject& object = plan_.objects[index];
    MadeObject made;
    ObjectReport& report = made.report;
    report.kind = object.report_kind;
    report.name = object.name;
    if (object.table >= 0) {
      report.table = plan_.tables[static_cast<size_t>(object.table)].target_name;
    }
    report.sql = object.source_sql;
    report.state = "not_carried";
    absl::Status refusal;
    for (const PostAttempt& attempt : object.attempts) {
      RETURN_IF_ERROR(connection.Begin());
      const absl::Status status = Try(connection, attempt);
      if (status.ok()) {
        report.state = attempt.state;
        report.sql = absl::StrJoin(attempt.sql, "; ");
        report.reason = attempt.note;
        break;
      }
      connection.Rollback();
      if (!IsRefusal(InfoOf(status))) return status;
      if (refusal.ok()) refusal = status;
    }
    if (!refusal.ok()) made.findings.push_back(Refused(connection, object, refusal, &report));
    RETURN_IF_ERROR(Record(connection, index, made));
    ++events_.counters.objects_done;
    events_.counters.findings += static_cast<int>(made.findings.size());
    Event done;
    done.kind = Event::Kind::kObjectDone;
    done.stage = Stage::kPostData;
    done.table = object.name;
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.Emit(done);
    result_.objects[index] = std::move(report);
    for (Finding& finding : made.findings) result_.findings.push_back(std::move(finding));
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
        by_data ? "the data violates this " : "the server refused this ", report->kind, " (", said,
        ")", rows, "; ",
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
  std::vector<size_t> todo_;
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
