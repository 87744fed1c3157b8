#include "engine/command/source_checks.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/private_copy.h"
#include "engine/sqlite/source_file.h"
#include "engine/sqlite/source_users.h"

namespace lite2pg {
namespace {

// Growth of the WAL that is worth a word, and a warning.
constexpr int64_t kWalGrowthToldBytes = int64_t{16} << 20;
constexpr int64_t kWalGrowthMuchBytes = int64_t{1} << 30;
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

void FindEffectsOnWriters(const SourceSnapshot& snapshot, std::vector<Finding>* findings) {
  const std::string path = snapshot.path();
  const std::string file_system = NetworkFileSystemOf(path);
  if (!file_system.empty()) {
    findings->push_back({Severity::kWarning, ErrorCode::kSourceNetwork, "",
                         absl::StrCat("the source is on a network file system (", file_system,
                                      "), whose locks cannot be relied on: what another machine "
                                      "writes meanwhile may go unnoticed"),
                         "stop every writer, or copy the file to a local disk first"});
  }
  if (!snapshot.blocks_writers()) return;
  const SourceUsers users = FindSourceUsers(path);
  if (users.found.empty()) return;
  findings->push_back(
      {Severity::kWarning, ErrorCode::kSourceBlocksWriter, "",
       absl::StrCat(EscapeForMessage(users.found[0].program), " (", users.found[0].pid, ")",
                    users.found.size() > 1
                        ? absl::StrCat(" and ", users.found.size() - 1, " more have")
                        : " has",
                    " the source open, which has a rollback journal: as long as it is read (",
                    StateOf(path).size_bytes >> 20, " MiB, to the end of the load) they cannot "
                    "commit"),
       "--private-copy keeps them from it only while the file is copied; PRAGMA journal_mode = WAL "
       "not at all"});
}

void FindWalGrowth(const SourceSnapshot& snapshot, std::vector<Finding>* findings) {
  const int64_t grown = snapshot.wal_growth_bytes();
  if (grown < kWalGrowthToldBytes) return;
  struct statvfs room{};
  const bool known = statvfs(snapshot.path().c_str(), &room) == 0;
  const int64_t free_bytes =
      known ? static_cast<int64_t>(room.f_bavail) * static_cast<int64_t>(room.f_frsize) : INT64_MAX;
  const bool much = grown >= kWalGrowthMuchBytes || grown / 3 >= free_bytes;
  findings->push_back({much ? Severity::kWarning : Severity::kInfo, ErrorCode::kSourceWalGrows, "",
                       absl::StrCat("the source's WAL grew by ", grown >> 20,
                                    " MiB while it was read; its application can begin it anew "
                                    "from now on"),
                       "--max-wal-growth bounds this, --private-copy avoids it"});
}

}  // namespace lite2pg
