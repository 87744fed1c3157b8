// What the ledger keeps and forgets so that a run can go on.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {
namespace {

// set_aside.kind of objects that are made. They are never "not restored", so that nothing takes
// them for a definition that is still off.
constexpr absl::string_view kMade = "made";
// The same for a file that rows set aside were written to.
constexpr absl::string_view kExported = "exported";

}  // namespace

absl::Status Ledger::MarkInterrupted(PgConnection& connection, absl::string_view outcome) const {
  return UpdateRun(connection,
                   "state = CASE WHEN stage = $3 THEN state ELSE 'interrupted' END, "
                   "outcome = CASE WHEN stage = $3 THEN outcome ELSE $4 END",
                   {std::string(kStagePublished), std::string(outcome)});
}

absl::Status Ledger::ForgetTable(PgConnection& connection, const std::string& table) const {
  std::vector<PgStatement> statements;
  for (const absl::string_view name : {"chunk", "reject"}) {
    statements.push_back({absl::StrCat("DELETE FROM ", location_.Table(name),
                                       " WHERE run_id = $1 AND table_name = $2"),
                          {run_id_, EncodeLedgerText(table)}});
  }
  return connection.QueryAll(statements).status();
}

absl::Status Ledger::ForgetChunks(PgConnection& connection, const std::string& table) const {
  return connection.Execute(absl::StrCat("DELETE FROM ", location_.Table("chunk"),
                                         " WHERE run_id = $1 AND table_name = $2"),
                            {run_id_, EncodeLedgerText(table)});
}

absl::Status Ledger::ForgetTakenBack(PgConnection& connection) const {
  std::vector<PgStatement> statements;
  for (const absl::string_view name : {"chunk", "reject"}) {
    statements.push_back(
        {absl::StrCat("DELETE FROM ", location_.Table(name), " c USING ",
                      location_.Table("set_aside"), " s WHERE c.run_id = $1 AND s.run_id = $1 ",
                      "AND s.kind = 'table' AND s.definition = c.table_name"),
         {run_id_}});
  }
  statements.push_back({absl::StrCat("DELETE FROM ", location_.Table("set_aside"),
                                     " WHERE run_id = $1 AND kind <> $2"),
                        {run_id_, std::string(kMade)}});
  return connection.QueryAll(statements).status();
}

absl::Status Ledger::InsertMade(PgConnection& connection, size_t number,
                                absl::string_view record) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", location_.Table("set_aside"),
                   " (run_id, kind, object, definition, restored) VALUES ($1, $2, $3, $4, true)"),
      {run_id_, std::string(kMade), absl::StrCat(number), EncodeLedgerText(std::string(record))});
}

absl::Status Ledger::ForgetMade(PgConnection& connection,
                                const std::vector<size_t>& numbers) const {
  std::vector<std::string> texts;
  for (const size_t number : numbers) texts.push_back(absl::StrCat(number));
  return connection.Execute(
      absl::StrCat("DELETE FROM ", location_.Table("set_aside"),
                   " WHERE run_id = $1 AND kind = $2 AND object = ANY ($3::text[])"),
      {run_id_, std::string(kMade), FormatArray(texts)});
}

absl::Status Ledger::NoteExported(PgConnection& connection, absl::string_view file) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", location_.Table("set_aside"),
                   " (run_id, kind, object, definition, restored) VALUES ($1, $2, $3, '', true)"),
      {run_id_, std::string(kExported), EncodeLedgerText(std::string(file))});
}

absl::StatusOr<std::vector<MadeRecord>> Ledger::ReadMade(PgConnection& connection) const {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Query(absl::StrCat("SELECT object, definition FROM ",
                                                 location_.Table("set_aside"),
                                                 " WHERE run_id = $1 AND kind = $2 ORDER BY id"),
                                    {run_id_, std::string(kMade)}));
  std::vector<MadeRecord> made(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    MadeRecord& record = made[static_cast<size_t>(i)];
    uint64_t number = 0;
    if (!absl::SimpleAtoi(rows.Text(i, 0), &number)) {
      return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                       "the ledger's record of objects that were made is damaged",
                       "--restart drops what was loaded and starts over");
    }
    record.number = static_cast<size_t>(number);
    record.record = DecodeLedgerText(rows.Text(i, 1));
  }
  return made;
}

}  // namespace lite2pg
