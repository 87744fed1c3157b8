#include "engine/sqlite/stand_in_collations.h"

#include <sqlite3.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

int CompareBytes(void*, int a_size, const void* a, int b_size, const void* b) {
  const absl::string_view left(static_cast<const char*>(a), static_cast<size_t>(a_size));
  return left.compare({static_cast<const char*>(b), static_cast<size_t>(b_size)});
}

void Forget(sqlite3* db, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    sqlite3_create_collation_v2(db, name.c_str(), SQLITE_UTF8, nullptr, nullptr, nullptr);
  }
}

}  // namespace

bool IsBuiltInCollation(absl::string_view name) {
  return absl::EqualsIgnoreCase(name, "BINARY") || absl::EqualsIgnoreCase(name, "NOCASE") ||
         absl::EqualsIgnoreCase(name, "RTRIM");
}

// At an address that outlives moves of its owner: SQLite keeps a pointer to it.
struct StandInCollations::Asked {
  sqlite3* db = nullptr;
  bool compared = false;

  static int Compare(void* self, int, const void*, int, const void*) {
    auto* const asked = static_cast<Asked*>(self);
    asked->compared = true;
    sqlite3_interrupt(asked->db);
    return 0;
  }
};

StandInCollations::StandInCollations() = default;
StandInCollations::~StandInCollations() { End(); }

absl::Status StandInCollations::Begin(SqliteConnection& connection, const SourceTable& table) {
  End();
  if (!table.without_rowid) return absl::OkStatus();
  for (const SourceIndex& index : table.indexes) {
    if (index.origin != 'p') continue;
    for (const SourceIndexColumn& column : index.columns) {
      if (IsBuiltInCollation(column.collation)) continue;
      if (std::find(names_.begin(), names_.end(), column.collation) != names_.end()) continue;
      names_.push_back(column.collation);
    }
  }
  if (names_.empty()) return absl::OkStatus();
  db_ = connection.raw();
  asked_ = std::make_unique<Asked>();
  asked_->db = db_;
  for (const std::string& name : names_) {
    const int rc = sqlite3_create_collation_v2(db_, name.c_str(), SQLITE_UTF8, asked_.get(),
                                               &Asked::Compare, nullptr);
    if (rc != SQLITE_OK) return connection.Error(rc, "stand in for a collation");
  }
  return absl::OkStatus();
}

void StandInCollations::End() {
  Forget(db_, names_);
  names_.clear();
  asked_.reset();
  db_ = nullptr;
}

absl::Status StandInCollations::status() const {
  if (asked_ == nullptr || !asked_->compared) return absl::OkStatus();
  return MakeError(ErrorCode::kSourceUnreadable, ExitCode::kSource,
                   absl::StrCat("this compares by the collation ", EscapeName(names_.front()),
                                ", which only the application that wrote the source has"),
                   "leave conditions on such columns out, or copy the whole table");
}

BytewiseCollations::BytewiseCollations(SqliteConnection& connection) : db_(connection.raw()) {
  const auto needed = [](void* self, sqlite3* db, int, const char* name) {
    static_cast<BytewiseCollations*>(self)->names_.push_back(name);
    sqlite3_create_collation_v2(db, name, SQLITE_UTF8, nullptr, &CompareBytes, nullptr);
  };
  sqlite3_collation_needed(db_, this, needed);
}

BytewiseCollations::~BytewiseCollations() {
  sqlite3_collation_needed(db_, nullptr, nullptr);
  Forget(db_, names_);
}

}  // namespace lite2pg
