#include "engine/command/existing_tables.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_report.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

std::vector<const SetAsideObject*> ObjectsOfMerge(const Plan& plan) {
  std::vector<const SetAsideObject*> objects;
  for (const SetAsideObject& object : plan.existing.set_aside) {
    if (object.with_merge) objects.push_back(&object);
  }
  for (const SetAsideObject& object : plan.existing.in_merge) objects.push_back(&object);
  return objects;
}

absl::Status CheckFills(PgConnection& connection, Plan* plan) {
  for (const TablePlan& table : plan->tables) {
    for (const FillPlan& fill : table.fills) {
      if (absl::StartsWith(fill.value_sql, "(")) continue;  // an expression may have effects
      const absl::StatusOr<PgResult> value =
          connection.Query(absl::StrCat("SELECT ", fill.value_sql));
      if (value.ok()) continue;
      if (!connection.alive()) return value.status();
      plan->findings.push_back({Severity::kBlocking, ErrorCode::kConfig,
                                absl::StrCat(table.source->name, ".", fill.column),
                                absl::StrCat("the value of --fill is none of type ", fill.type_sql,
                                             ": ", InfoOf(value.status()).server),
                                "correct the value"});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ExistingTables::CheckPlan(PgConnection& connection, Plan* plan) {
  RETURN_IF_ERROR(CheckFills(connection, plan));
  std::vector<std::string> names;  // "" comes with a column that is created
  for (const SequencePlan& sequence : plan->sequences) names.push_back(sequence.sequence);
  ASSIGN_OR_RETURN(
      const PgResult rights,
      connection.Query("SELECT s = '' OR (pg_catalog.has_sequence_privilege(s, 'SELECT') AND "
                       "pg_catalog.has_sequence_privilege(s, 'UPDATE')) FROM "
                       "pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n",
                       {FormatArray(names)}));
  for (int i = 0; i < rights.rows(); ++i) {
    if (rights.Bool(i, 0)) continue;
    const SequencePlan& sequence = plan->sequences[static_cast<size_t>(i)];
    const TablePlan& table = plan->tables[static_cast<size_t>(sequence.table)];
    plan->findings.push_back(
        {Severity::kBlocking, ErrorCode::kTargetPrivilege,
         absl::StrCat(table.source->name, ".", sequence.column),
         absl::StrCat("the role may not read and set the sequence ", EscapeName(sequence.sequence),
                      ", which would go on giving values that are taken"),
         absl::StrCat("GRANT SELECT, UPDATE ON SEQUENCE ", sequence.sequence, " TO your role")});
  }
  return absl::OkStatus();
}

absl::Status ExistingTables::Prepare(PgConnection& connection, const Ledger& ledger,
                                     bool staged_already) {
  if (!plan_.existing.any()) return absl::OkStatus();
  if (!staged_already) RETURN_IF_ERROR(CreateMergeTables(connection, plan_));
  prepared_ = true;
  ASSIGN_OR_RETURN(before_, SetObjectsAside(connection, plan_, ledger));
  return absl::OkStatus();
}

absl::Status ExistingTables::Fill(PgConnection& connection, std::vector<LoadedTable>* loaded) {
  filled_.assign(plan_.tables.size(), 0);
  const bool prove = request_.common.verify == VerifyMode::kFull;
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    if (plan_.tables[i].fills.empty()) continue;
    ASSIGN_OR_RETURN(filled_[i],
                     FillValues(connection, plan_.tables[i], prove, &(*loaded)[i].digest));
  }
  return absl::OkStatus();
}

absl::Status ExistingTables::Complete(PgConnection& connection, const Ledger& ledger,
                                      const RestoreOptions& options, LateRejects* late,
                                      Report* report) {
  if (!plan_.existing.any()) return absl::OkStatus();
  RETURN_IF_ERROR(
      RestoreObjects(plan_, ledger, options, events_, &before_, &report->findings));
  const CancelToken::Registration on_cancel = cancel_.OnCancel([&] { connection.Cancel(); });
  RETURN_IF_ERROR(connection.Begin());
  merging_ = true;
  LITE2PG_FAILPOINT("post_data.merge.begun");
  RETURN_IF_ERROR(connection.Execute("SET LOCAL maintenance_work_mem = '128MB'"));
  for (const SetAsideObject& object : plan_.existing.in_merge) {
    RETURN_IF_ERROR(connection.Execute(object.drop_sql));
  }
  const absl::Status status =
      MergeRows(connection, plan_, request_.existing_rows, late, &merged_);
  for (size_t i = 0; i < merged_.size() && i < report->tables.size(); ++i) {
    report->tables[i].differences = merged_[i].differences;
  }
  RETURN_IF_ERROR(status);
  LITE2PG_FAILPOINT("post_data.merge.merged");
  RETURN_IF_ERROR(late->Record(connection, ledger));
  RETURN_IF_ERROR(RestoreInTransaction(connection, ObjectsOfMerge(plan_), ledger, options.orphans,
                                       &before_, &report->findings));
  LITE2PG_FAILPOINT("post_data.merge.restored");
  RETURN_IF_ERROR(MakeLateObjects(connection, report));
  return CompareDefinitions(connection, plan_, before_);
}

// Foreign keys of tables that the run creates, to tables whose rows have just come.
absl::Status ExistingTables::MakeLateObjects(PgConnection& connection, Report* report) {
  for (const PostObject& object : plan_.late_objects) {
    ObjectReport made;
    made.kind = object.report_kind;
    made.name = object.name;
    made.table = plan_.tables[static_cast<size_t>(object.table)].target_name;
    made.state = "not_carried";
    absl::Status refusal;
    for (const PostAttempt& attempt : object.attempts) {
      RETURN_IF_ERROR(connection.Execute("SAVEPOINT lite2pg_late"));
      const absl::Status status = connection.ExecuteAll(attempt.sql);
      if (status.ok()) {
        RETURN_IF_ERROR(connection.Execute("RELEASE SAVEPOINT lite2pg_late"));
        made.state = attempt.state;
        made.sql = absl::StrJoin(attempt.sql, "; ");
        made.reason = attempt.note;
        break;
      }
      if (!connection.alive() || InfoOf(status).sqlstate.empty()) return status;
      RETURN_IF_ERROR(connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_late"));
      if (refusal.ok()) refusal = status;
    }
    if (!refusal.ok()) {
      const std::string left =
          made.state == "not_carried" ? std::string("it was left out") : made.reason;
      report->findings.push_back(
          {Severity::kWarning, ErrorCode::kConstraintViolated,
           absl::StrCat(made.table, ".", made.name),
           absl::StrCat("the foreign key was refused (", InfoOf(refusal).server, "); ", left),
           "mend the rows, then add the constraint by hand"});
    }
    report->objects.push_back(std::move(made));
  }
  return absl::OkStatus();
}

absl::Status ExistingTables::Sequences(PgConnection& connection, Report* report) {
  for (const SequencePlan& sequence : plan_.sequences) {
    if (plan_.tables[static_cast<size_t>(sequence.table)].create || sequence.sequence.empty()) {
      continue;
    }
    ASSIGN_OR_RETURN(const PgResult row, connection.Query(absl::StrCat(
                                             "SELECT last_value, is_called FROM ",
                                             sequence.sequence)));
    sequences_.push_back({sequence.sequence, row.Int(0, 0), row.Int(0, 0), row.Bool(0, 1)});
  }
  // setval is not undone by a rollback.
  const absl::Status status = SetSequences(connection, plan_, report);
  for (SequenceState& state : sequences_) {
    for (const SequenceReport& set : report->sequences) {
      if (set.name == state.name) state.after = set.last_value;
    }
  }
  return status;
}

absl::Status ExistingTables::Verify(PgConnection& connection) {
  if (!merging_ || request_.common.verify != VerifyMode::kFull) return absl::OkStatus();
  const CancelToken::Registration on_cancel = cancel_.OnCancel([&] { connection.Cancel(); });
  return DigestMerged(connection, plan_, request_.existing_rows, &merged_);
}

absl::Status ExistingTables::Finish(PgConnection& connection, const Ledger& ledger) {
  if (!plan_.existing.any()) return absl::OkStatus();
  for (const int index : plan_.existing.merge_order) {
    RETURN_IF_ERROR(connection.Execute(absl::StrCat(
        "DROP TABLE ", plan_.tables[static_cast<size_t>(index)].LoadTarget())));
  }
  return GiveUpClaims(connection, ledger);
}

void ExistingTables::Describe(Report* report) const {
  for (size_t i = 0; i < plan_.tables.size() && i < report->tables.size(); ++i) {
    TableReport& row = report->tables[i];
    if (i < filled_.size()) row.rows_filled = filled_[i];
    if (!plan_.tables[i].merge || i >= merged_.size()) continue;
    const MergedTable& merged = merged_[i];
    // What was loaded beside the table must be what was read, and what is in the table must be it.
    const bool loaded = !row.compared || row.equal;
    row.rows_copied = merged.rows_copied;
    row.rows_skipped = merged.rows_skipped;
    row.rows_preexisting = merged.rows_preexisting;
    row.rows_target = merged.rows_target;
    if (!merged.compared) continue;
    row.digest_source = merged.source.ToHex();
    row.digest_target = merged.target.ToHex();
    row.compared = true;
    row.equal = loaded && merged.source == merged.target;
  }
}

absl::Status ExistingTables::TakeBack(PgConnection& connection, Ledger* ledger) {
  if (!prepared_) return absl::OkStatus();
  merging_ = false;
  effect_ = "the run's last transaction may have taken place: lite2pg verify tells";
  ASSIGN_OR_RETURN(const bool finished, ClaimsAreGivenUp(connection, *ledger));
  if (finished) {
    effect_ = "the run's last transaction did take place: the data is in the tables";
    return absl::OkStatus();
  }
  effect_ = "nothing is changed in the application's tables";
  RETURN_IF_ERROR(TakeBackLoad(connection, ledger, &effect_));
  return PutSequencesBack(connection);
}

absl::Status ExistingTables::PutSequencesBack(PgConnection& connection) {
  // A sequence that somebody has used since stays where it is.
  for (const SequenceState& state : sequences_) {
    RETURN_IF_ERROR(connection.Execute(
        absl::StrCat("SELECT pg_catalog.setval($1::regclass, $2::bigint, $3::boolean) FROM ",
                     state.name, " WHERE last_value = $4::bigint"),
        {state.name, absl::StrCat(state.before), state.is_called ? "t" : "f",
         absl::StrCat(state.after)}));
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
