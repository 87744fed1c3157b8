#include "engine/command/source_checks.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/source_users.h"

namespace lite2pg {
namespace {

// More than that many names are no help.
constexpr size_t kUsersShownMax = 8;

std::string QuoteSqlite(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

const SourceTable* FindTable(const SourceCatalog& catalog, const std::string& name) {
  for (const SourceTable& table : catalog.tables) {
    if (absl::EqualsIgnoreCase(table.name, name)) return &table;
  }
  return nullptr;
}

bool HasColumn(const SourceTable& table, const std::string& name) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const SourceColumn& column) {
    return absl::EqualsIgnoreCase(column.name, name);
  });
}

// What is wrong, or "".
absl::StatusOr<std::string> Disappointment(SqliteConnection& reader, const SourceCatalog& catalog,
                                           const Expectation& expected) {
  std::string sql, shown;
  if (expected.table.empty()) {
    sql = absl::StrCat("PRAGMA ", expected.column);
    shown = expected.column;
  } else {
    shown = absl::StrCat(EscapeName(expected.table), ".", EscapeName(expected.column));
    const SourceTable* table = FindTable(catalog, expected.table);
    if (table == nullptr || !HasColumn(*table, expected.column)) {
      return absl::StrCat("there is no ", shown);
    }
    sql = absl::StrCat("SELECT CAST(max(", QuoteSqlite(expected.column), ") AS TEXT) FROM ",
                       QuoteSqlite(table->name));
  }
  ASSIGN_OR_RETURN(SqliteStatement statement, reader.Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row || statement.IsNull(0)) return absl::StrCat(shown, " has no value");
  const std::string found = statement.Text(0);
  if (found == expected.value) return std::string();
  return absl::StrCat(shown, " is '", EscapeForMessage(found, 100), "', expected '",
                      EscapeForMessage(expected.value, 100), "'");
}

}  // namespace

absl::StatusOr<std::string> RequireIdle(const std::string& path) {
  const SourceUsers users = FindSourceUsers(path);
  if (!users.found.empty()) {
    std::string names;
    for (size_t i = 0; i < users.found.size() && i < kUsersShownMax; ++i) {
      absl::StrAppend(&names, i == 0 ? "" : ", ", EscapeForMessage(users.found[i].program), " (",
                      users.found[i].pid, ")");
    }
    if (users.found.size() > kUsersShownMax) absl::StrAppend(&names, ", ...");
    return MakeError(ErrorCode::kSourceInUse, ExitCode::kSourceBusy,
                     absl::StrCat("another process has the source open: ", names),
                     "stop it, or copy without --require-idle: readers see one state anyway");
  }
  std::string text = "no other process had it open";
  if (users.not_seen > 0) {
    absl::StrAppend(&text, " (", users.not_seen, " of other users could not be looked at)");
  }
  return text;
}

absl::Status CheckExpectations(SqliteConnection& reader, const SourceCatalog& catalog,
                               const std::vector<Expectation>& expectations) {
  std::string problems;
  for (const Expectation& expected : expectations) {
    ASSIGN_OR_RETURN(const std::string problem, Disappointment(reader, catalog, expected));
    if (!problem.empty()) absl::StrAppend(&problems, problems.empty() ? "" : "; ", problem);
  }
  if (problems.empty()) return absl::OkStatus();
  return MakeError(ErrorCode::kSourceExpectation, ExitCode::kPlanBlocks,
                   absl::StrCat("the source is not what --expect says: ", problems),
                   "use the file of the version meant, or bring it up to that version first");
}

}  // namespace lite2pg
