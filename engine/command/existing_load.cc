#include "engine/command/existing_load.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

// Kinds of records besides those of RestoreStep.
constexpr absl::string_view kRunRecord = "run";      // restored: the run's last transaction is over
constexpr absl::string_view kTableRecord = "table";  // object: where rows go; definition: source

// How often something is tried again that other sessions' locks keep from happening. Each try waits
// for the session's lock_timeout.
constexpr int kLockTriesMax = 5;

constexpr absl::string_view kForeignKeyViolation = "23503";

bool IsRestoreKind(absl::string_view kind) {
  return kind == "index" || kind == "attribute" || kind == "foreign_key" || kind == "validate";
}

bool IsLockTrouble(const absl::Status& status) {
  const std::string sqlstate = InfoOf(status).sqlstate;
  return sqlstate == "55P03" || sqlstate == "40P01";  // lock_not_available, deadlock_detected
}

std::string OrphanExamples(PgConnection& connection, const std::string& orphans_sql) {
  if (orphans_sql.empty()) return "";
  // The examples only explain; a query that the server refuses takes nothing from the message.
  const absl::StatusOr<PgResult> rows = connection.Query(orphans_sql);
  if (!rows.ok()) return "";
  std::string text;
  for (int r = 0; r < rows->rows(); ++r) {
    absl::StrAppend(&text, r == 0 ? "; for example " : ", ",
                    EscapeForMessage(rows->Text(r, 0), 120), " (", rows->Int(r, 1), " rows)");
  }
  return text;
}

// What a foreign key that the rows violate comes to.
absl::Status OrphansFound(const SetAsideObject* object, const std::string& name,
                          const std::string& examples, Orphans policy, DefinitionsBefore* before,
                          std::vector<Finding>* findings) {
  if (policy == Orphans::kNotValid) {
    findings->push_back(
        {Severity::kWarning, ErrorCode::kConstraintViolated,
         object != nullptr ? absl::StrCat(object->table, ".", object->name) : name,
         absl::StrCat("rows point nowhere by the foreign key ", EscapeName(name), examples,
                      "; it is there again as NOT VALID: it holds for new rows only"),
         "mend the rows, then ALTER TABLE ... VALIDATE CONSTRAINT"});
    if (object != nullptr && before != nullptr) before->not_valid.insert(object->object);
    return absl::OkStatus();
  }
  ErrorInfo info;
  info.code = ErrorCode::kConstraintViolated;
  info.exit_code = ExitCode::kTargetRefuses;
  info.what = absl::StrCat("rows point nowhere by the foreign key ", EscapeName(name), examples);
  info.table = object != nullptr ? object->table : "";
  info.hint = "mend the rows in the source, or choose --orphans not-valid";
  info.sqlstate = std::string(kForeignKeyViolation);
  return MakeError(info);
}

// One statement of a restore in a savepoint or transaction of its own. Definitions are printed for
// a search_path of pg_catalog alone; functions in expressions may need the role's own behind it.
absl::Status RunRestoreStatement(PgConnection& connection, const std::string& sql) {
  RETURN_IF_ERROR(connection.Execute("SAVEPOINT lite2pg_restore"));
  RETURN_IF_ERROR(
      connection.Execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog', true), "
                         "pg_catalog.set_config('default_tablespace', '', true)"));
  absl::Status status = connection.Execute(sql);
  if (!status.ok() && absl::StartsWith(InfoOf(status).sqlstate, "42")) {
    RETURN_IF_ERROR(connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_restore"));
    RETURN_IF_ERROR(connection.Execute(
        "SELECT pg_catalog.set_config('search_path', 'pg_catalog, ' || s.reset_val, true), "
        "pg_catalog.set_config('default_tablespace', '', true) "
        "FROM pg_catalog.pg_settings s WHERE s.name = 'search_path'"));
    const absl::Status again = connection.Execute(sql);
    if (again.ok()) status = again;
  }
  if (!status.ok()) {
    connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_restore").IgnoreError();  // status says why
    return status;
  }
  return connection.Execute("RELEASE SAVEPOINT lite2pg_restore");
}

// One record of the ledger, in a transaction of its own together with its mark.
absl::Status RestoreRecord(PgConnection& connection, const Ledger& ledger,
                           const SetAsideRecord& record) {
  absl::Status status;
  LITE2PG_FAILPOINT("post_data.restore.before");
  for (int i = 0; i < kLockTriesMax; ++i) {
    RETURN_IF_ERROR(connection.Begin());
    status = RunRestoreStatement(connection, record.definition);
    if (status.ok()) status = ledger.MarkRestored(connection, record.id);
    if (status.ok()) {
      LITE2PG_FAILPOINT("post_data.restore.commit");
      status = connection.Commit();
    }
    if (status.ok()) {
      LITE2PG_FAILPOINT("post_data.restore.done");
      return status;
    }
    connection.Rollback();
    if (!IsLockTrouble(status)) break;
  }
  return status;
}

absl::Status RestoreFailed(const absl::Status& status, const SetAsideRecord& record) {
  ErrorInfo where;
  where.hint =
      "mend the cause; the definition is in the ledger, and the next copy --restart "
      "brings it back";
  ErrorInfo info = InfoOf(WithContext(status, where));
  info.what = absl::StrCat("cannot make ", EscapeName(record.object), " again: ", info.what);
  return MakeError(info);
}

// Restores records of one kind over several connections. Validations of one table's foreign keys
// keep each other out; they go one after the other, so that none waits for a lock of ours.
class RestorePhase {
 public:
  RestorePhase(const Ledger& ledger, Orphans orphans, EventSink& events, DefinitionsBefore* before,
               std::vector<Finding>* findings,
               const std::map<std::string, const SetAsideObject*>& objects)
      : ledger_(ledger),
        orphans_(orphans),
        events_(events),
        before_(before),
        findings_(findings),
        objects_(objects) {}

  absl::Status Run(std::vector<PgConnection>& connections,
                   const std::vector<SetAsideRecord>& records) {
    next_ = 0;
    const std::vector<Series> series = Split(records);
    const size_t together = std::min(connections.size(), std::max<size_t>(series.size(), 1));
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < together; ++i) {
      threads.emplace_back([this, &connections, &series, i] { Work(connections[i], series); });
    }
    Work(connections[0], series);
    for (std::jthread& thread : threads) thread.join();
    return error_.status();
  }

 private:
  // Records that must not run at the same time, in their order.
  using Series = std::vector<const SetAsideRecord*>;

  std::vector<Series> Split(const std::vector<SetAsideRecord>& records) const {
    std::map<std::string, Series> by_name;
    for (const SetAsideRecord& record : records) {
      std::string name;
      if (record.kind == "index") name = record.object;
      if (record.kind == "validate") {
        const auto object = objects_.find(record.object);
        if (object != objects_.end()) name = object->second->table;
      }
      by_name[name].push_back(&record);
    }
    std::vector<Series> series;
    for (auto& [name, list] : by_name) series.push_back(std::move(list));
    return series;
  }

  void Work(PgConnection& connection, const std::vector<Series>& series) {
    while (!error_.stopped()) {
      const size_t index = next_.fetch_add(1);
      if (index >= series.size()) return;
      for (const SetAsideRecord* record : series[index]) {
        if (!error_.stopped()) error_.Set(One(connection, *record));
        ++events_.counters.objects_done;
      }
    }
  }

  absl::Status One(PgConnection& connection, const SetAsideRecord& record) {
    const absl::Status status = RestoreRecord(connection, ledger_, record);
    if (status.ok()) return status;
    if (record.kind != "validate" || InfoOf(status).sqlstate != kForeignKeyViolation) {
      return RestoreFailed(status, record);
    }
    const auto found = objects_.find(record.object);
    const SetAsideObject* object = found == objects_.end() ? nullptr : found->second;
    const std::string examples =
        OrphanExamples(connection, object != nullptr ? object->orphans_sql : "");
    const std::lock_guard<std::mutex> lock(mutex_);
    RETURN_IF_ERROR(OrphansFound(object, record.object, examples, orphans_, before_, findings_));
    return ledger_.MarkRestored(connection, record.id);
  }

  const Ledger& ledger_;
  const Orphans orphans_;
  EventSink& events_;
  DefinitionsBefore* before_;
  std::vector<Finding>* findings_;
  const std::map<std::string, const SetAsideObject*>& objects_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  FirstError error_;
};

absl::Status RestorePhases(std::vector<PgConnection>& connections,
                           const std::vector<SetAsideRecord>& records, RestorePhase* phase) {
  for (const absl::string_view kind : {"index", "attribute", "foreign_key", "validate"}) {
    std::vector<SetAsideRecord> todo;
    for (const SetAsideRecord& record : records) {
      if (record.kind == kind && !record.restored) todo.push_back(record);
    }
    RETURN_IF_ERROR(phase->Run(connections, todo));
  }
  return absl::OkStatus();
}

// A foreign key that was NOT VALID before holds for new rows, and ours are new.
absl::Status CheckUnvalidated(PgConnection& connection, const SetAsideObject& object,
                              Orphans orphans, std::vector<Finding>* findings) {
  if (object.validated || object.orphans_sql.empty()) return absl::OkStatus();
  const std::string examples = OrphanExamples(connection, object.orphans_sql);
  if (examples.empty()) return absl::OkStatus();
  return OrphansFound(&object, object.name, examples, orphans, nullptr, findings);
}

// ---- Taking back
// ---------------------------------------------------------------------------------

// A table of the application that the run has written to.
struct WrittenTable {
  const SetAsideRecord* record = nullptr;
  uint64_t rows_written = 0;
  bool holds_others = false;  // rows of somebody else are among them
  bool referenced = false;    // by a foreign key of a table that is not emptied as a whole
};

// By number in `names`: who refers to a table, -1 for one that is not among them.
absl::StatusOr<std::multimap<int, int>> ReadReferrers(PgConnection& connection,
                                                      const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(
      const PgResult keys,
      connection.Query("SELECT p.n, c.n FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY"
                       "   AS p(name, n)"
                       " JOIN pg_catalog.pg_constraint k ON k.contype = 'f'"
                       "   AND k.confrelid = p.name::pg_catalog.regclass"
                       "   AND k.conrelid <> k.confrelid"
                       " LEFT JOIN pg_catalog.unnest($1::text[]) WITH ORDINALITY AS c(name, n)"
                       "   ON c.name::pg_catalog.regclass = k.conrelid",
                       {FormatArray(names)}));
  std::multimap<int, int> referrers;
  for (int i = 0; i < keys.rows(); ++i) {
    const int referrer = keys.IsNull(i, 1) ? -1 : static_cast<int>(keys.Int(i, 1)) - 1;
    referrers.emplace(static_cast<int>(keys.Int(i, 0)) - 1, referrer);
  }
  return referrers;
}

// TRUNCATE takes tables only together with all that refer to them.
absl::Status MarkReferenced(PgConnection& connection, std::vector<WrittenTable>* tables) {
  std::vector<std::string> names;
  for (const WrittenTable& table : *tables) names.push_back(table.record->object);
  using Referrers = std::multimap<int, int>;
  ASSIGN_OR_RETURN(const Referrers referrers, ReadReferrers(connection, names));
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [parent, child] : referrers) {
      WrittenTable& table = (*tables)[static_cast<size_t>(parent)];
      const WrittenTable* other =
          child < 0 ? nullptr : &(*tables)[static_cast<size_t>(child)];
      if (table.referenced || (other != nullptr && !other->holds_others && !other->referenced)) {
        continue;
      }
      table.referenced = changed = true;
    }
  }
  return absl::OkStatus();
}

// Rows of ours among others carry the transactions of our chunks. All tables in one statement, at
// whose end foreign keys are looked at: one after the other, a parent's rows would take their
// children with them (ON DELETE CASCADE) or change them (SET NULL), and those could not be told any
// more.
absl::Status DeleteRows(PgConnection& connection, const Ledger& ledger,
                        const std::vector<const WrittenTable*>& tables) {
  if (tables.empty()) return absl::OkStatus();
  std::string sql, counts;
  for (size_t i = 0; i < tables.size(); ++i) {
    const WrittenTable& table = *tables[i];
    absl::StrAppend(&sql, i == 0 ? "WITH d" : ", d", i, " AS (DELETE FROM ", table.record->object);
    if (table.holds_others) {
      absl::StrAppend(&sql,
                      " WHERE xmin::pg_catalog.text = ANY (SELECT c.xmin::pg_catalog.text FROM ",
                      ledger.location().Table("chunk"), " c WHERE c.run_id = $1)");
    }
    absl::StrAppend(&sql, " RETURNING 1)");
    absl::StrAppend(&counts, i == 0 ? "SELECT " : " UNION ALL SELECT ", i,
                    ", (SELECT pg_catalog.count(*) FROM d", i, ")");
  }
  // Named once, so that the parameter has a type whichever tables there are.
  absl::StrAppend(&counts, " WHERE $1::pg_catalog.text IS NOT NULL");
  absl::StrAppend(&sql, " ", counts);
  ASSIGN_OR_RETURN(const PgResult deleted, connection.Query(sql, {ledger.run_id()}));
  for (int i = 0; i < deleted.rows(); ++i) {
    const WrittenTable& table = *tables[static_cast<size_t>(deleted.Int(i, 0))];
    if (static_cast<uint64_t>(deleted.Int(i, 1)) == table.rows_written) continue;
    return MakeError(ErrorCode::kTargetTableNotEmpty, ExitCode::kTargetRefuses,
                     absl::StrCat("cannot tell the ", table.rows_written, " rows of this run in ",
                                  table.record->object, " from the other ones there"),
                     "look for sessions that write into the table; then remove the rows by hand");
  }
  return absl::OkStatus();
}

// Removes what the run committed into the tables, and what the ledger says of it, in the open
// transaction.
absl::Status EmptyTogether(PgConnection& connection, const Ledger& ledger,
                           std::vector<WrittenTable> tables) {
  for (WrittenTable& table : tables) {
    RETURN_IF_ERROR(connection.Execute(
        absl::StrCat("LOCK TABLE ", table.record->object, " IN ACCESS EXCLUSIVE MODE")));
    ASSIGN_OR_RETURN(const PgResult count,
                     connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ",
                                                   table.record->object)));
    const auto rows = static_cast<uint64_t>(count.Int(0, 0));
    if (rows == 0) table.rows_written = 0;  // somebody has emptied it since
    table.holds_others = rows != table.rows_written;
  }
  RETURN_IF_ERROR(MarkReferenced(connection, &tables));
  std::vector<std::string> whole;
  std::vector<const WrittenTable*> mixed;
  for (const WrittenTable& table : tables) {
    if (table.rows_written == 0) continue;
    if (table.holds_others || table.referenced) {
      mixed.push_back(&table);
    } else {
      whole.push_back(table.record->object);
    }
  }
  if (!whole.empty()) {
    RETURN_IF_ERROR(
        connection.Execute(absl::StrCat("TRUNCATE TABLE ", absl::StrJoin(whole, ", "))));
  }
  RETURN_IF_ERROR(DeleteRows(connection, ledger, mixed));
  for (const WrittenTable& table : tables) {
    RETURN_IF_ERROR(ledger.ForgetChunks(connection, table.record->definition));
    RETURN_IF_ERROR(ledger.MarkRestored(connection, table.record->id));
  }
  return absl::OkStatus();
}

absl::Status EmptyTables(PgConnection& connection, const Ledger& ledger,
                         const std::vector<SetAsideRecord>& records, uint64_t* rows_removed) {
  ASSIGN_OR_RETURN(const std::vector<ChunkRecord> chunks, ledger.ReadChunks(connection));
  std::map<std::string, uint64_t> written;
  for (const ChunkRecord& chunk : chunks) written[chunk.table] += chunk.rows;
  std::vector<WrittenTable> tables;
  uint64_t rows = 0;
  for (const SetAsideRecord& record : records) {
    if (record.kind != kTableRecord || record.restored) continue;
    tables.push_back({&record, written[record.definition]});
    rows += tables.back().rows_written;
  }
  absl::Status status;
  for (int i = 0; i < kLockTriesMax; ++i) {
    RETURN_IF_ERROR(connection.Begin());
    status = EmptyTogether(connection, ledger, tables);
    if (status.ok()) status = connection.Commit();
    if (status.ok()) {
      *rows_removed += rows;
      return status;
    }
    connection.Rollback();
    if (!IsLockTrouble(status)) break;
  }
  return status;
}

}  // namespace

absl::StatusOr<DefinitionsBefore> SetObjectsAside(PgConnection& connection, const Plan& plan,
                                                  const Ledger& ledger) {
  DefinitionsBefore before;
  ASSIGN_OR_RETURN(before.lines, DumpTableDefinitions(connection, plan.existing.table_oids));
  RETURN_IF_ERROR(connection.Begin());
  RETURN_IF_ERROR(ledger.InsertSetAside(connection, {0, std::string(kRunRecord), "", "", false}));
  for (const TablePlan& table : plan.tables) {
    if (table.create || table.merge) continue;
    RETURN_IF_ERROR(ledger.InsertSetAside(
        connection, {0, std::string(kTableRecord), table.LoadTarget(), table.source->name, false}));
  }
  LITE2PG_FAILPOINT("pre_data.set_aside.recorded");
  int in_transaction = 0;
  for (const SetAsideObject& object : plan.existing.set_aside) {
    if (++in_transaction > kDdlPerTransactionMax) {
      RETURN_IF_ERROR(connection.Commit());
      RETURN_IF_ERROR(connection.Begin());
      in_transaction = 1;
    }
    for (const RestoreStep& step : object.restore) {
      RETURN_IF_ERROR(
          ledger.InsertSetAside(connection, {0, step.kind, object.object, step.sql, false}));
    }
    RETURN_IF_ERROR(connection.Execute(object.drop_sql));
    LITE2PG_FAILPOINT("pre_data.set_aside.object");
  }
  LITE2PG_FAILPOINT("pre_data.set_aside.commit");
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("pre_data.set_aside.done");
  return before;
}

absl::Status RestoreObjects(const Plan& plan, const Ledger& ledger, const RestoreOptions& options,
                            EventSink& events, DefinitionsBefore* before,
                            std::vector<Finding>* findings) {
  std::vector<PgConnection> connections;
  for (int i = 0; i < std::max(1, options.streams); ++i) {
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options.connect));
    // Sorting for an index is most of its cost; a larger work area saves passes over the data.
    RETURN_IF_ERROR(connection.Execute("SET maintenance_work_mem = '128MB'"));
    connections.push_back(std::move(connection));
  }
  CancelToken::Registration on_cancel;
  if (options.cancel != nullptr) {
    on_cancel = options.cancel->OnCancel([&] {
      for (PgConnection& connection : connections) connection.Cancel();
    });
  }
  std::map<std::string, const SetAsideObject*> objects;
  for (const SetAsideObject& object : plan.existing.set_aside) objects[object.object] = &object;
  ASSIGN_OR_RETURN(std::vector<SetAsideRecord> records, ledger.ReadSetAside(connections[0]));
  std::erase_if(records, [&](const SetAsideRecord& record) {
    const auto object = objects.find(record.object);
    return !IsRestoreKind(record.kind) || object == objects.end() || object->second->with_merge;
  });
  events.counters.objects_total += records.size();
  RestorePhase phase(ledger, options.orphans, events, before, findings, objects);
  RETURN_IF_ERROR(RestorePhases(connections, records, &phase));
  for (const SetAsideObject& object : plan.existing.set_aside) {
    if (object.with_merge) continue;
    RETURN_IF_ERROR(CheckUnvalidated(connections[0], object, options.orphans, findings));
  }
  // Only now are the indexes there, whose expressions have statistics too.
  for (const TablePlan& table : plan.tables) {
    if (table.create || table.merge || !table.target.owned) continue;
    RETURN_IF_ERROR(connections[0].Execute(absl::StrCat("ANALYZE ", table.LoadTarget())));
  }
  return absl::OkStatus();
}

absl::Status RestoreInTransaction(PgConnection& connection,
                                  const std::vector<const SetAsideObject*>& objects,
                                  const Ledger& ledger, Orphans orphans, DefinitionsBefore* before,
                                  std::vector<Finding>* findings) {
  ASSIGN_OR_RETURN(const std::vector<SetAsideRecord> records, ledger.ReadSetAside(connection));
  for (const absl::string_view kind : {"index", "attribute", "foreign_key", "validate"}) {
    for (const SetAsideObject* object : objects) {
      for (const RestoreStep& step : object->restore) {
        if (step.kind != kind) continue;
        const absl::Status status = RunRestoreStatement(connection, step.sql);
        if (status.ok()) continue;
        if (kind != "validate" || InfoOf(status).sqlstate != kForeignKeyViolation) {
          return RestoreFailed(status, {0, step.kind, object->object, step.sql, false});
        }
        RETURN_IF_ERROR(OrphansFound(object, object->name,
                                     OrphanExamples(connection, object->orphans_sql), orphans,
                                     before, findings));
      }
    }
  }
  for (const SetAsideObject* object : objects) {
    RETURN_IF_ERROR(CheckUnvalidated(connection, *object, orphans, findings));
    for (const SetAsideRecord& record : records) {
      if (record.object != object->object || record.restored) continue;
      RETURN_IF_ERROR(ledger.MarkRestored(connection, record.id));
    }
  }
  return absl::OkStatus();
}

absl::Status CompareDefinitions(PgConnection& connection, const Plan& plan,
                                const DefinitionsBefore& before) {
  std::vector<std::string> created;  // their foreign keys to the application's tables are new
  for (const TablePlan& table : plan.tables) {
    if (table.create) created.push_back(table.LoadTarget());
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> after,
                   DumpTableDefinitions(connection, plan.existing.table_oids, created));
  const std::set<std::string> old_lines(before.lines.begin(), before.lines.end());
  const std::set<std::string> new_lines(after.begin(), after.end());
  std::set<std::string> expected;  // beginnings of lines that may differ
  const auto collect = [&](const std::vector<SetAsideObject>& objects) {
    for (const SetAsideObject& object : objects) {
      if (!before.not_valid.contains(object.object)) continue;
      expected.insert(absl::StrCat("constraint ", object.name, " on "));
    }
  };
  collect(plan.existing.set_aside);
  collect(plan.existing.in_merge);
  const auto may_differ = [&](const std::string& line) {
    return std::any_of(expected.begin(), expected.end(),
                       [&](const std::string& start) { return absl::StartsWith(line, start); });
  };
  std::string differences;
  for (const std::string& line : old_lines) {
    if (new_lines.contains(line) || may_differ(line)) continue;
    absl::StrAppend(&differences, "; no longer there: ", EscapeForMessage(line, 300));
  }
  for (const std::string& line : new_lines) {
    if (old_lines.contains(line) || may_differ(line)) continue;
    absl::StrAppend(&differences, "; new: ", EscapeForMessage(line, 300));
  }
  if (differences.empty()) return absl::OkStatus();
  ErrorInfo info;
  info.code = ErrorCode::kTargetConstraint;
  info.exit_code = ExitCode::kTargetRefuses;
  info.what = absl::StrCat("the definitions of the tables are not what they were before the load",
                           differences);
  info.hint = "look for another session that changes them during the run";
  return MakeError(info);
}

absl::Status GiveUpClaims(PgConnection& connection, const Ledger& ledger) {
  return connection.Execute(absl::StrCat("UPDATE ", ledger.location().Table("set_aside"),
                                         " SET restored = true WHERE run_id = $1 AND NOT restored"),
                            {ledger.run_id()});
}

absl::StatusOr<bool> ClaimsAreGivenUp(PgConnection& connection, const Ledger& ledger) {
  ASSIGN_OR_RETURN(
      const PgResult record,
      connection.Query(absl::StrCat("SELECT restored FROM ", ledger.location().Table("set_aside"),
                                    " WHERE run_id = $1 AND kind = $2 FOR UPDATE"),
                       {ledger.run_id(), std::string(kRunRecord)}));
  return record.rows() > 0 && record.Bool(0, 0);
}

absl::Status TakeBackLoad(PgConnection& connection, Ledger* run, std::string* effect) {
  ASSIGN_OR_RETURN(std::vector<SetAsideRecord> records, run->ReadSetAside(connection));
  std::erase_if(records, [](const SetAsideRecord& record) {
    return record.restored || record.kind == kRunRecord;
  });
  if (records.empty()) return absl::OkStatus();
  *effect =
      absl::StrCat("rows of this run may be in the application's tables, and ", records.size(),
                   " definition(s) of it are still off; the ledger has them, "
                   "and the next copy --restart begins by taking both back");
  // No backend that a lost connection left behind may commit after this.
  ASSIGN_OR_RETURN(const int64_t epoch,
                   Ledger::TakeOver(connection, run->location(), run->run_id()));
  *run = Ledger(run->location(), run->run_id(), epoch);
  const Ledger& ledger = *run;
  uint64_t rows_removed = 0;
  RETURN_IF_ERROR(EmptyTables(connection, ledger, records, &rows_removed));
  int restored = 0;
  for (const absl::string_view kind : {"index", "attribute", "foreign_key", "validate"}) {
    for (const SetAsideRecord& record : records) {
      if (record.kind != kind) continue;
      const absl::Status status = RestoreRecord(connection, ledger, record);
      if (!status.ok()) return RestoreFailed(status, record);
      ++restored;
    }
  }
  *effect = absl::StrCat("the application's tables are as they were: ", rows_removed,
                         " row(s) of this run were removed",
                         restored > 0 ? ", indexes and foreign keys are back" : "");
  return absl::OkStatus();
}

absl::Status RecoverUnfinishedLoads(PgConnection& connection, const LedgerLocation& location,
                                    const std::string& target_schema) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (run.target_schema != target_schema || run.state == "done") continue;
    std::string effect;
    Ledger ledger(location, run.run_id, run.epoch);
    const absl::Status status = TakeBackLoad(connection, &ledger, &effect);
    if (status.ok()) continue;
    ErrorInfo where;
    where.effect = effect;
    return WithContext(status, where);
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
