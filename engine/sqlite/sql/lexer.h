// Splits SQLite's SQL into tokens, the way SQLite's own tokenizer does.
//
// Reference: https://www.sqlite.org/lang_keywords.html and src/tokenize.c of SQLite.
#ifndef LITE2PG_ENGINE_SQLITE_SQL_LEXER_H_
#define LITE2PG_ENGINE_SQLITE_SQL_LEXER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// A schema entry longer than this is refused, not parsed: SQLite's own default limit is a million
// bytes (SQLITE_MAX_SQL_LENGTH), and tokens cost about five times their text.
inline constexpr size_t kSqlBytesMax = size_t{8} << 20;

enum class SqlTokenKind : uint8_t {
  kEnd,
  kWord,              // unquoted identifier or keyword
  kQuotedIdentifier,  // "x", [x] or `x`
  kString,            // 'x'
  kBlob,              // x'00ff'
  kInteger,           // 12 or 0x1f
  kReal,              // 1.5, .5, 1., 1e5
  kVariable,          // ?1, :a, @a, $a
  kLeftParen, kRightParen, kComma, kDot, kSemicolon,
  kPlus, kMinus, kStar, kSlash, kPercent, kConcat, kAmpersand, kPipe, kTilde,
  kShiftLeft, kShiftRight, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kArrow, kArrowText,
};

// Keywords that our grammar names, and all that SQLite never lets stand for a name. Other keywords
// (ABORT, ATTACH, ...) are names wherever we meet them, so they are not told apart from words.
enum class SqlKeyword : uint8_t {
  kNone,
  kAbort, kAction, kAdd, kAll, kAlter, kAlways, kAnd, kAs, kAsc, kAutoincrement, kBetween, kBy,
  kCascade, kCase, kCast, kCheck, kCollate, kCommit, kConflict, kConstraint, kCreate, kCross,
  kCurrent, kCurrentDate, kCurrentTime, kCurrentTimestamp, kDefault, kDeferrable, kDeferred,
  kDelete, kDesc, kDistinct, kDrop, kElse, kEnd, kEscape, kExcept, kExclude, kExists, kFail,
  kFilter, kFirst, kForeign, kFrom, kFull, kGenerated, kGlob, kGroup, kGroups, kHaving, kIf,
  kIgnore, kImmediate, kIn, kIndex, kIndexed, kInitially, kInner, kInsert, kIntersect, kInto, kIs,
  kIsnull, kJoin, kKey, kLast, kLeft, kLike, kLimit, kMatch, kMaterialized, kNatural, kNo, kNot,
  kNothing, kNotnull, kNull, kNulls, kOffset, kOn, kOr, kOrder, kOuter, kOver, kPartition,
  kPrimary, kRaise, kRange, kRecursive, kReferences, kRegexp, kReplace, kRestrict, kReturning,
  kRight, kRollback, kRow, kRowid, kRows, kSelect, kSet, kStored, kStrict, kTable, kTemp,
  kTemporary, kThen, kTo, kTransaction, kUnion, kUnique, kUpdate, kUsing, kValues, kView, kVirtual,
  kWhen, kWhere, kWindow, kWith, kWithout,
};

struct SqlToken {
  SqlTokenKind kind = SqlTokenKind::kEnd;
  SqlKeyword keyword = SqlKeyword::kNone;  // kWord only
  char quote = '\0';                       // kQuotedIdentifier: its opening character
  size_t begin = 0;                        // byte offset in the statement
  size_t size = 0;
};

// How a keyword may also be used as a name (parse.y: %fallback, JOIN_KW).
enum class KeywordRole : uint8_t {
  kReserved,  // never a name
  kJoin,      // a table or column name, but not a type word or a bare alias
  kFallback,  // a name wherever the grammar expects nothing else
};
KeywordRole RoleOf(SqlKeyword keyword);
// "CREATE"; "" for kNone.
absl::string_view KeywordName(SqlKeyword keyword);

// All tokens of `sql`, comments and spaces left out, ending with one kEnd. Errors
// (kInvalidArgument, with the byte position): an unterminated quote, an odd blob, a stray
// character, a NUL byte, more than kSqlBytesMax bytes.
absl::StatusOr<std::vector<SqlToken>> LexSql(absl::string_view sql);

// What a quoted token stands for: the text between the quotes, doubled quotes made one; of a word,
// its own bytes; of a blob, its hexadecimal digits.
std::string TokenText(absl::string_view sql, const SqlToken& token);

// "at byte 12, near `foo`: what" as a kInvalidArgument status. `at` may be beyond the end.
absl::Status SqlErrorAt(absl::string_view sql, size_t at, absl::string_view what);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_SQL_LEXER_H_
