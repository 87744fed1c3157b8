// The keyword table: names, and which of them may also be names of things.
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "engine/base/hash_tables.h"
#include "engine/sqlite/sql/keywords.h"

namespace lite2pg {
namespace {

struct KeywordRow {
  SqlKeyword keyword;
  absl::string_view name;
  KeywordRole role;
};

constexpr KeywordRole kRes = KeywordRole::kReserved;
constexpr KeywordRole kJoi = KeywordRole::kJoin;
constexpr KeywordRole kFal = KeywordRole::kFallback;
using K = SqlKeyword;

// In the order of the enum. STORED, STRICT and ROWID are plain identifiers to SQLite that its
// grammar compares as text; FILTER, OVER and WINDOW are made keywords by what follows them.
constexpr KeywordRow kRows[] = {
    {K::kNone, "", kFal},
    {K::kAbort, "ABORT", kFal},
    {K::kAction, "ACTION", kFal},
    {K::kAdd, "ADD", kRes},
    {K::kAll, "ALL", kRes},
    {K::kAlter, "ALTER", kRes},
    {K::kAlways, "ALWAYS", kFal},
    {K::kAnd, "AND", kRes},
    {K::kAs, "AS", kRes},
    {K::kAsc, "ASC", kFal},
    {K::kAutoincrement, "AUTOINCREMENT", kRes},
    {K::kBetween, "BETWEEN", kRes},
    {K::kBy, "BY", kFal},
    {K::kCascade, "CASCADE", kFal},
    {K::kCase, "CASE", kRes},
    {K::kCast, "CAST", kFal},
    {K::kCheck, "CHECK", kRes},
    {K::kCollate, "COLLATE", kRes},
    {K::kCommit, "COMMIT", kRes},
    {K::kConflict, "CONFLICT", kFal},
    {K::kConstraint, "CONSTRAINT", kRes},
    {K::kCreate, "CREATE", kRes},
    {K::kCross, "CROSS", kJoi},
    {K::kCurrent, "CURRENT", kFal},
    {K::kCurrentDate, "CURRENT_DATE", kFal},
    {K::kCurrentTime, "CURRENT_TIME", kFal},
    {K::kCurrentTimestamp, "CURRENT_TIMESTAMP", kFal},
    {K::kDefault, "DEFAULT", kRes},
    {K::kDeferrable, "DEFERRABLE", kRes},
    {K::kDeferred, "DEFERRED", kFal},
    {K::kDelete, "DELETE", kRes},
    {K::kDesc, "DESC", kFal},
    {K::kDistinct, "DISTINCT", kRes},
    {K::kDrop, "DROP", kRes},
    {K::kElse, "ELSE", kRes},
    {K::kEnd, "END", kFal},
    {K::kEscape, "ESCAPE", kRes},
    {K::kExcept, "EXCEPT", kRes},
    {K::kExclude, "EXCLUDE", kFal},
    {K::kExists, "EXISTS", kRes},
    {K::kFail, "FAIL", kFal},
    {K::kFilter, "FILTER", kFal},
    {K::kFirst, "FIRST", kFal},
    {K::kForeign, "FOREIGN", kRes},
    {K::kFrom, "FROM", kRes},
    {K::kFull, "FULL", kJoi},
    {K::kGenerated, "GENERATED", kFal},
    {K::kGlob, "GLOB", kFal},
    {K::kGroup, "GROUP", kRes},
    {K::kGroups, "GROUPS", kFal},
    {K::kHaving, "HAVING", kRes},
    {K::kIf, "IF", kFal},
    {K::kIgnore, "IGNORE", kFal},
    {K::kImmediate, "IMMEDIATE", kFal},
    {K::kIn, "IN", kRes},
    {K::kIndex, "INDEX", kRes},
    {K::kIndexed, "INDEXED", kJoi},
    {K::kInitially, "INITIALLY", kFal},
    {K::kInner, "INNER", kJoi},
    {K::kInsert, "INSERT", kRes},
    {K::kIntersect, "INTERSECT", kRes},
    {K::kInto, "INTO", kRes},
    {K::kIs, "IS", kRes},
    {K::kIsnull, "ISNULL", kRes},
    {K::kJoin, "JOIN", kRes},
    {K::kKey, "KEY", kFal},
    {K::kLast, "LAST", kFal},
    {K::kLeft, "LEFT", kJoi},
    {K::kLike, "LIKE", kFal},
    {K::kLimit, "LIMIT", kRes},
    {K::kMatch, "MATCH", kFal},
    {K::kMaterialized, "MATERIALIZED", kFal},
    {K::kNatural, "NATURAL", kJoi},
    {K::kNo, "NO", kFal},
    {K::kNot, "NOT", kRes},
    {K::kNothing, "NOTHING", kRes},
    {K::kNotnull, "NOTNULL", kRes},
    {K::kNull, "NULL", kRes},
    {K::kNulls, "NULLS", kFal},
    {K::kOffset, "OFFSET", kFal},
    {K::kOn, "ON", kRes},
    {K::kOr, "OR", kRes},
    {K::kOrder, "ORDER", kRes},
    {K::kOuter, "OUTER", kJoi},
    {K::kOver, "OVER", kFal},
    {K::kPartition, "PARTITION", kFal},
    {K::kPrimary, "PRIMARY", kRes},
    {K::kRaise, "RAISE", kFal},
    {K::kRange, "RANGE", kFal},
    {K::kRecursive, "RECURSIVE", kFal},
    {K::kReferences, "REFERENCES", kRes},
    {K::kRegexp, "REGEXP", kFal},
    {K::kReplace, "REPLACE", kFal},
    {K::kRestrict, "RESTRICT", kFal},
    {K::kReturning, "RETURNING", kRes},
    {K::kRight, "RIGHT", kJoi},
    {K::kRollback, "ROLLBACK", kFal},
    {K::kRow, "ROW", kFal},
    {K::kRowid, "ROWID", kFal},
    {K::kRows, "ROWS", kFal},
    {K::kSelect, "SELECT", kRes},
    {K::kSet, "SET", kRes},
    {K::kStored, "STORED", kFal},
    {K::kStrict, "STRICT", kFal},
    {K::kTable, "TABLE", kRes},
    {K::kTemp, "TEMP", kFal},
    {K::kTemporary, "TEMPORARY", kFal},
    {K::kThen, "THEN", kRes},
    {K::kTo, "TO", kRes},
    {K::kTransaction, "TRANSACTION", kRes},
    {K::kUnion, "UNION", kRes},
    {K::kUnique, "UNIQUE", kRes},
    {K::kUpdate, "UPDATE", kRes},
    {K::kUsing, "USING", kRes},
    {K::kValues, "VALUES", kRes},
    {K::kView, "VIEW", kFal},
    {K::kVirtual, "VIRTUAL", kFal},
    {K::kWhen, "WHEN", kRes},
    {K::kWhere, "WHERE", kRes},
    {K::kWindow, "WINDOW", kFal},
    {K::kWith, "WITH", kFal},
    {K::kWithout, "WITHOUT", kFal},
};

constexpr bool RowsFollowTheEnum() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].keyword) != i) return false;
  }
  return true;
}
static_assert(RowsFollowTheEnum(), "kRows must list SqlKeyword in order");

constexpr size_t kKeywordBytesMax = 17;  // CURRENT_TIMESTAMP

}  // namespace

KeywordRole RoleOf(SqlKeyword keyword) { return kRows[static_cast<size_t>(keyword)].role; }

absl::string_view KeywordName(SqlKeyword keyword) {
  return kRows[static_cast<size_t>(keyword)].name;
}

SqlKeyword FindKeyword(absl::string_view word) {
  if (word.size() > kKeywordBytesMax) return SqlKeyword::kNone;
  // Never destroyed: other static objects may still parse while the program ends.
  static const auto& map = *[] {
    auto* made = new HashMap<absl::string_view, SqlKeyword>;
    for (const KeywordRow& row : kRows) {
      if (!row.name.empty()) made->emplace(row.name, row.keyword);
    }
    return made;
  }();
  const auto found = map.find(absl::AsciiStrToUpper(word));
  return found == map.end() ? SqlKeyword::kNone : found->second;
}

}  // namespace lite2pg
