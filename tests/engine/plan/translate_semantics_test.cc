// Whether translated expressions mean in PostgreSQL what the originals mean in SQLite: both
// databases hold the same rows, and each evaluates its own SQL.
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "gtest/gtest.h"
#include "tests/engine/plan/translate_support.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

// Values as literals that both databases read alike, by column; "NULL" is added to each.
const std::map<std::string, std::vector<std::string>>& SampleLiterals() {
  static const auto* const kLiterals = new std::map<std::string, std::vector<std::string>>{
      {"i", {"0", "1", "-1", "2", "7", "-7", "10", "9007199254740993", "9223372036854775807",
             "-9223372036854775807", "3000000000"}},
      {"i4", {"0", "1", "-1", "3", "2147483647", "-2147483648", "100"}},
      {"i2", {"0", "1", "-5", "32767", "-32768", "12"}},
      {"r", {"0.0", "1.0", "-1.5", "0.1", "2.5", "1e300", "-1e-300", "1e20", "3.0"}},
      {"n", {"0", "1", "19.99", "-0.5", "2.5", "5", "0.1", "123456789.25"}},
      {"s", {"''", "'a'", "'A'", "'abc'", "'ABC'", "'5'", "' 5'", "'5.0'", "'a%b_c'", "'a\\b'",
             "'\xc3\xa9t\xc3\xa9'", "'\xc3\x89'", "'abc  '", "'  x '", "'user@example.org'", "'10'",
             "'\xe2\x84\xaa'", "'a*b'", "'[x]'", "'line\nbreak'"}},
      {"v", {"''", "'a'", "'b'", "'B'", "'5'", "'true'", "'zz'"}},
      {"sn", {"'a'", "'A'", "'b'", "'aB'", "'\xc3\xa9'", "'\xc3\x89'", "'5'", "''"}},
      {"sr", {"'a'", "'a '", "'b  '", "' a'", "''", "'5'"}},
      {"sx", {"'a'", "'x1'", "''", "'A'", "'1x'"}},
      {"u", {"'a'", "'5'", "''", "'Z'", "'abc'"}},
      {"f", {"0", "1"}},
      {"x", {"x''", "x'00'", "x'0001'", "x'ff'", "x'616263'"}},
      {"d", {"'2020-01-01'", "'1999-12-31'", "'2020-02-29'"}},
      {"ts", {"'2020-01-01 00:00:00'", "'1999-12-31 23:59:59'", "'2020-01-01 10:00:00'"}},
      {"ts2", {"'2020-01-01'", "'2020-01-01 00:00:00'"}},
      {"j", {"'{}'", "'[1]'"}},
      {"m", {"'a'", "5"}},
  };
  return *kLiterals;
}

std::string PgLiteral(const SampleColumn& column, const std::string& literal) {
  if (literal == "NULL") return literal;
  if (column.oid == kOidBool) return literal == "1" ? "true" : "false";
  if (column.oid == kOidBytea) return "'\\x" + literal.substr(2, literal.size() - 3) + "'";
  if (column.oid == kOidText && literal[0] != '\'') return "'" + literal + "'";
  if (literal[0] == '\'') return QuoteLiteral(literal.substr(1, literal.size() - 2));
  return literal;
}

// Rows up to this one hold no integers beyond 2^53: only they are compared where a translation is
// exact but for rounding.
constexpr int kSmallRows = 60;

// A value brought to a form that can be compared across the databases.
struct Cell {
  bool null = false;
  bool number = false;
  double value = 0;
  std::string text;
};

bool Same(const Cell& a, const Cell& b, bool rounding) {
  if (a.null || b.null) return a.null == b.null;
  if (a.number != b.number) return false;
  if (!a.number) return a.text == b.text;
  if (a.value == b.value) return a.text == b.text || rounding || std::fabs(a.value) < 9e15;
  return rounding && std::fabs(a.value - b.value) <= 1e-9 * std::fabs(a.value);
}

class TranslateSemantics : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(sqlite3_open(":memory:", &sqlite_), SQLITE_OK);
    std::vector<std::string> source, target;
    for (const SampleColumn& column : SampleColumns()) {
      source.push_back(absl::StrCat(column.name, " ", column.declared));
      target.push_back(absl::StrCat(
          column.name, " ",
          BuiltinType(column.oid, column.oid == kOidVarchar ? LengthTypmod(40) : -1).sql_name));
    }
    RunSqlite(absl::StrCat("CREATE TABLE t (", absl::StrJoin(source, ", "), ")"));
    Run(absl::StrCat("CREATE TABLE ", In("t"), " (", absl::StrJoin(target, ", "), ")"));
    std::mt19937 random(20250101);
    for (int row = 1; row <= 120; ++row) InsertRow(row, &random);
    // w: the same with the small rows only.
    RunSqlite(absl::StrCat("CREATE TABLE w (", absl::StrJoin(source, ", "), ")"));
    RunSqlite(absl::StrCat("INSERT INTO w SELECT * FROM t WHERE id <= ", kSmallRows));
    Run(absl::StrCat("CREATE TABLE ", In("w"), " AS SELECT * FROM ", In("t"), " WHERE id <= ",
                     kSmallRows));
    context_ = SampleContext(schema_);
    context_.relations.push_back(context_.relations[0]);
    context_.relations[1].source_name = context_.relations[1].target_name = "w";
  }
  void TearDown() override {
    sqlite3_close(sqlite_);
    ServerTest::TearDown();
  }

  void RunSqlite(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(sqlite_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(sqlite_) << "\n" << sql;
  }

  void InsertRow(int row, std::mt19937* random) {
    std::string source = absl::StrCat(row), target = source;
    for (const SampleColumn& column : SampleColumns()) {
      if (std::string(column.name) == "id") continue;
      const std::vector<std::string>& values = SampleLiterals().at(column.name);
      const size_t pick = (*random)() % (values.size() + 1);
      // json_valid(NULL) was 0 before SQLite 3.42 and is NULL since: j has no NULLs.
      const bool null = pick == values.size() && column.oid != kOidJsonb;
      std::string literal = null ? "NULL" : values[pick % values.size()];
      if (row <= kSmallRows && literal.size() > 15 && column.oid == kOidInt8) literal = "3";
      absl::StrAppend(&source, ", ", literal);
      absl::StrAppend(&target, ", ", PgLiteral(column, literal));
    }
    RunSqlite(absl::StrCat("INSERT INTO t VALUES (", source, ")"));
    Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (", target, ")"));
  }

  // All rows of a query, or false where SQLite refuses it.
  bool AskSqlite(const std::string& sql, std::vector<std::vector<Cell>>* rows) {
    sqlite3_stmt* stmt = nullptr;
    bool ok = sqlite3_prepare_v2(sqlite_, sql.c_str(), -1, &stmt, nullptr) == SQLITE_OK;
    int step = SQLITE_DONE;
    while (ok && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
      std::vector<Cell>& row = rows->emplace_back();
      for (int c = 0; c < sqlite3_column_count(stmt); ++c) row.push_back(SqliteCell(stmt, c));
    }
    sqlite_error_ = sqlite3_errmsg(sqlite_);
    sqlite3_finalize(stmt);
    return ok && step == SQLITE_DONE;
  }

  static Cell SqliteCell(sqlite3_stmt* stmt, int column) {
    Cell cell;
    switch (sqlite3_column_type(stmt, column)) {
      case SQLITE_NULL: cell.null = true; break;
      case SQLITE_INTEGER:
      case SQLITE_FLOAT:
        cell.number = true;
        cell.value = sqlite3_column_double(stmt, column);
        cell.text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, column));
        break;
      default: {
        const int size = sqlite3_column_bytes(stmt, column);
        const bool blob = sqlite3_column_type(stmt, column) == SQLITE_BLOB;
        const std::string bytes(static_cast<const char*>(sqlite3_column_blob(stmt, column)), size);
        cell.text = blob ? "\\x" + absl::BytesToHexString(bytes) : bytes;
      }
    }
    return cell;
  }

  // `oid` tells numbers from text; booleans count as 0 and 1.
  static Cell PgCell(const PgResult& result, int row, int column, Oid oid) {
    Cell cell;
    cell.null = result.IsNull(row, column);
    if (cell.null) return cell;
    cell.text = std::string(result.Text(row, column));
    if (oid == kOidBool) cell.text = cell.text == "t" ? "1" : "0";
    cell.number = oid == kOidBool || oid == kOidInt2 || oid == kOidInt4 || oid == kOidInt8 ||
                  oid == kOidFloat8 || oid == kOidNumeric;
    if (cell.number) cell.value = std::strtod(cell.text.c_str(), nullptr);
    return cell;
  }

  // A row as text that is the same for values that are equal but for rounding.
  static std::string Canonical(const std::vector<Cell>& row) {
    std::string out;
    for (const Cell& cell : row) {
      char number[40];
      std::snprintf(number, sizeof(number), "%.8g", cell.value == 0 ? 0.0 : cell.value);
      absl::StrAppend(&out, cell.null ? "NULL" : cell.number ? number : "'" + cell.text, "|");
    }
    return out;
  }

  // Runs `select` in SQLite and its translation in PostgreSQL. False: not carried.
  bool CompareView(const std::string& select, bool any_order = false) {
    const ViewTranslation view = View(select, context_);
    if (!view.ok) {
      reasons_[view.reason] += 1;
      return false;
    }
    std::vector<std::vector<Cell>> expected;
    if (!AskSqlite(select, &expected)) {
      // Integer overflow in abs() or sum(), which PostgreSQL refuses too; and no view at all.
      EXPECT_TRUE(absl::StrContains(sqlite_error_, "overflow") ||
                  absl::StrContains(sqlite_error_, "term out of "
                      "range")) << sqlite_error_ << "\n" << select;
      return false;
    }
    const absl::StatusOr<PgResult> actual = db().Query(view.sql);
    if (!actual.ok()) {
      // Only values may be at fault, and only where the translation says so.
      const std::string sqlstate = InfoOf(actual.status()).sqlstate;
      EXPECT_TRUE(absl::StartsWith(sqlstate, "22") && view.exactness != Exactness::kExact)
          << actual.status() << "\n" << select << "\n" << view.sql;
      return false;
    }
    EXPECT_EQ(static_cast<size_t>(actual->rows()), expected.size()) << select << "\n" << view.sql;
    if (static_cast<size_t>(actual->rows()) != expected.size()) return true;
    if (any_order) {
      std::vector<std::string> left, right;
      for (int row = 0; row < actual->rows(); ++row) {
        left.push_back(Canonical(expected[row]));
        std::vector<Cell> cells;
        for (int c = 0; c < actual->columns(); ++c) {
          cells.push_back(PgCell(*actual, row, c, view.columns[c].type.oid));
        }
        right.push_back(Canonical(cells));
      }
      std::sort(left.begin(), left.end());
      std::sort(right.begin(), right.end());
      EXPECT_EQ(left, right) << select << "\n" << view.sql;
      return true;
    }
    for (size_t row = 0; row < RowsToCompare(view.exactness, expected.size()); ++row) {
      for (size_t c = 0; c < expected[row].size(); ++c) {
        const Oid oid = view.columns[c].type.oid;
        const Cell cell = PgCell(*actual, static_cast<int>(row), static_cast<int>(c), oid);
        const bool rounding = view.exactness == Exactness::kRounding || oid == kOidFloat8 ||
                              oid == kOidNumeric;
        if (Same(expected[row][c], cell, rounding)) continue;
        ADD_FAILURE() << "row " << row << " column " << c << ": SQLite "
                      << (expected[row][c].null ? "NULL" : expected[row][c].text)
                      << ", PostgreSQL " << (cell.null ? "NULL" : cell.text) << "\n"
                      << select << "\n" << view.sql;
        return true;
      }
    }
    return true;
  }

  static size_t RowsToCompare(Exactness exactness, size_t rows) {
    return exactness == Exactness::kRounding ? std::min<size_t>(rows, kSmallRows) : rows;
  }

  bool CompareExpression(const std::string& expr) {
    return CompareView("SELECT id, " + expr + " AS e FROM t ORDER BY id");
  }

  // A CHECK passes for NULL; a predicate of an index does not.
  bool CompareCheck(const std::string& expr) {
    absl::StatusOr<ExprPtr> parsed = ParseExpression(expr);
    EXPECT_TRUE(parsed.ok()) << expr;
    if (!parsed.ok()) return false;
    const Translation check = TranslateCheck(**parsed, context_.relations[0], context_);
    if (!check.ok) return false;
    std::vector<std::vector<Cell>> expected;
    EXPECT_TRUE(AskSqlite("SELECT id, CASE WHEN " + expr + " THEN 1 WHEN (" + expr +
                          ") IS NULL THEN 2 ELSE 0 END FROM t ORDER BY id", &expected)) << expr;
    const absl::StatusOr<PgResult> actual = db().Query(
        absl::StrCat("SELECT id, CASE WHEN ", check.sql, " THEN 1 WHEN (", check.sql,
                     ") IS NULL THEN 2 ELSE 0 END FROM ", In("t"), " ORDER BY id"));
    if (!actual.ok()) {
      EXPECT_TRUE(absl::StartsWith(InfoOf(actual.status()).sqlstate, "22") &&
                  check.exactness != Exactness::kExact)
          << actual.status() << "\n" << expr << "\n" << check.sql;
      return false;
    }
    for (size_t row = 0; row < RowsToCompare(check.exactness, expected.size()); ++row) {
      const int64_t verdict = actual->Int(static_cast<int>(row), 1);
      const auto wanted = static_cast<int64_t>(expected[row][1].value);
      // The types guarantee an always-true CHECK; SQLite may say NULL there.
      const bool same = check.always_true ? wanted != 0 : verdict == wanted;
      EXPECT_TRUE(same) << "row " << row + 1 << ": " << verdict << " for " << wanted << "\n"
                        << expr << "\n" << check.sql;
      if (!same) return true;
    }
    return true;
  }

  sqlite3* sqlite_ = nullptr;
  std::string sqlite_error_;
  TranslationContext context_;
  std::map<std::string, int> reasons_;
};

// ---- Random expressions ------------------------------------------------------------------------

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  int Pick(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  std::string One(const std::vector<std::string>& of) {
    return of[Pick(static_cast<int>(of.size()))];
  }

  std::string Number(int depth) {
    if (depth == 0) {
      return One({"i", "i4", "i2", "r", "n", "f", "id", "0", "1", "2", "-3", "0.5", "2.5", "7",
                  "3000000000", "-1", "1e3", "TRUE", "i4", "i", "r"});
    }
    const auto sub = [&] { return Number(Pick(depth)); };
    switch (Pick(15)) {
      case 0: return "(" + sub() + " + " + sub() + ")";
      case 1: return "(" + sub() + " - " + sub() + ")";
      case 2: return sub() + " * " + sub();
      case 3: return "(" + sub() + " / " + sub() + ")";
      case 4: return "(" + sub() + " % " + sub() + ")";
      case 5: return "(" + sub() + One({" & ", " | "}) + sub() + ")";
      case 6: return "(" + sub() + One({" << 3", " >> 2", " << 0", " >> 63"}) + ")";
      case 7: return One({"- ", "+ ", "~ "}) + sub();
      case 8: return One({"abs(", "sign(", "round(", "likely("}) + sub() + ")";
      case 9: return One({"length(", "instr('abc', ", "length("}) + Text(depth - 1) + ")";
      case 10: return One({"min(", "max(", "coalesce(", "ifnull(",
      "nullif("}) + sub() + ", " + sub() + ")";
      case 11: return "CASE WHEN " + Condition(depth - 1) + " THEN " + sub() + " ELSE "
          "" + sub() + " END";
      case 12: return "CAST(" + sub() + " AS " + One({"INTEGER", "REAL", "NUMERIC"}) + ")";
      case 13: return "(" + Condition(depth - 1) + ")";
      default: return "iif(" + Condition(depth - 1) + ", " + sub() + ", " + sub() + ")";
    }
  }

  std::string Text(int depth) {
    if (depth == 0) {
      return One({"s", "v", "sn", "sr", "sx", "u", "'a'", "'A'", "'5'", "''", "'abc'", "'1x'",
                  "s", "s", "\"dq\"", "' 5 '"});
    }
    const auto sub = [&] { return Text(Pick(depth)); };
    switch (Pick(12)) {
      case 0: return "(" + sub() + " || " + sub() + ")";
      case 1: return One({"upper(", "lower(", "trim(", "ltrim(", "rtrim("}) + sub() + ")";
      case 2: return "substr(" + sub() + ", " + One({"1", "2", "0", "-2", "-1", "i2", "3"}) + ")";
      case 3: return "substr(" + sub() + ", " + One({"1", "2", "0", "length(s)"}) + ", " +
                     One({"0", "1", "2", "-1", "length(v)"}) + ")";
      case 4: return "replace(" + sub() + ", " + One({"'a'", "''", "'b'"}) + ", " + sub() + ")";
      case 5: return One({"min(", "max(", "coalesce(", "ifnull(",
      "nullif("}) + sub() + ", " + sub() + ")";
      case 6: return "CASE WHEN " + Condition(depth - 1) + " THEN " + sub() + " ELSE "
          "" + sub() + " END";
      case 7: return "trim(" + sub() + ", " + One({"'a'", "' b'", "''"}) + ")";
      case 8: return "CAST(" + One({sub(), Number(depth - 1)}) + " AS TEXT)";
      case 9: return "(" + Number(depth - 1) + " || " + sub() + ")";
      case 10: return "hex(x)";
      default: return "typeof(" + One({"i", "r", "s", "f", "x", "n", "sx", "i4"}) + ")";
    }
  }

  std::string Condition(int depth) {
    static const std::vector<std::string> kCompare = {" = ", " <> ", " < ", " <= ", " > ", " >= ",
                                                      " IS ", " IS NOT "};
    const int d = depth > 0 ? Pick(depth) : 0;
    switch (Pick(18)) {
      case 0:
      case 1: return Number(d) + One(kCompare) + Number(d);
      case 2:
      case 3: return Text(d) + One(kCompare) + Text(d);
      case 4: return One({Number(d), "s", "v"}) + One(kCompare) + One({Text(d), "5", "0", "i"});
      case 5: return Text(d) + One({" LIKE ", " NOT LIKE "}) +
                     One({"'a%'", "'%B%'", "'_'", "''", "'%'", "'a\\%b\\_c' ESCAPE '\\'", "'A_c'",
                          "'%@%.%'", "'\xc3\xa9%'", "'k'", "'%\n%'", "'a\\b'"});
      case 6: return Text(d) + One({" GLOB ", " NOT GLOB "}) +
                     One({"'a*'", "'[a-c]*'", "'*[^0-9]*'", "'?'", "'[]x]*'", "'a[*]b'", "'[0-9]'",
                          "'[^a]'", "'*[@.]*'", "'a\\b'", "'[[]x]'", "'[a-]*'",
                          "'*[\xc3\xa0-\xc3\xaf]*'",
                          "'[]-a]'", "'*%*'", "'[^^]*'"});
      case 7: return Number(d) + " BETWEEN " + Number(0) + " AND " + Number(0);
      case 8: return Text(d) + " NOT BETWEEN " + Text(0) + " AND " + Text(0);
      case 9: return One({"i", "f", "i4", "n", "r", Number(d)}) + One({" IN (", " NOT IN ("}) +
                     One({"0, 1", "1, 2, NULL", "'5', 7", "0.5, 1", ""}) + ")";
      case 10: return One({"s", "sn", "sr", "v", "sx", Text(d)}) + One({" IN (", " NOT IN ("}) +
                      One({"'a', 'B'", "'a', NULL", "5, 'abc'", "\"a\"", ""}) + ")";
      case 11: return One({Number(d), Text(d), "x", "d", "j", "ts2", "m"}) +
                      One({" IS NULL", " IS NOT NULL", " NOTNULL", " ISNULL"});
      case 12: return "NOT " + Condition(d);
      case 13: return "(" + Condition(d) + One({" AND ", " OR "}) + Condition(d) + ")";
      case 14: return Text(d) + " COLLATE " + One({"NOCASE", "RTRIM",
      "BINARY"}) + One(kCompare) + Text(d);
      case 15: return One({"d", "'2020-01-01'", "ts"}) + One(kCompare) +
                      One({"d", "'2020-01-01'", "ts", "'2020-01-01 00:00:00'",
                      "datetime('2020-01-01')", "'2020-02-29 24:00:00'", "'2020-02-30'"});
      case 16: return "typeof(" + One({"i", "r", "s", "n", "f", "x", "m"}) + ")" +
                      One({" = 'integer'", " IN ('integer', 'null')", " <> 'text'",
                           " IN ('real', 'integer')", " NOT IN ('blob')"});
      default: return One({Number(d), "f", "NOT f", "f IS TRUE", "i IS NOT FALSE", "json_valid(j)",
                           "x = x'00'", "x < x'01'"});
    }
  }

 private:
  std::mt19937 random_;
};

int Rounds() {
  const char* rounds = std::getenv("LITE2PG_FUZZ_ROUNDS");
  return rounds == nullptr ? 1500 : std::atoi(rounds);
}

uint32_t Seed() {
  const char* seed = std::getenv("LITE2PG_FUZZ_SEED");
  return seed == nullptr ? 4242 : static_cast<uint32_t>(std::atoll(seed));
}

TEST_F(TranslateSemantics, RandomExpressionsHaveTheSameValues) {
  SCOPED_TRACE(testing::Message() << "seed " << Seed());
  Generator generator(Seed());
  int carried = 0;
  for (int i = 0; i < Rounds() && !HasFailure(); ++i) {
    const int depth = 1 + generator.Pick(3);
    carried += CompareExpression(generator.Pick(2) ? generator.Number(depth)
                                                   : generator.Text(depth));
  }
  EXPECT_GT(carried, Rounds() / 10);
  RecordProperty("carried", carried);
}

// A SELECT over the small table w, once or twice.
std::string RandomSelect(Generator* g) {
  static const std::vector<std::string> kKeys = {"i4", "s", "f", "v", "i2", "lower(s)", "i4 % 3",
                                                 "length(s)", "d", "f IS NULL", "sn", "n", "r",
                                                 "coalesce(v, '')", "CASE WHEN f THEN s END"};
  static const std::vector<std::string> kAggregates = {
      "count(*)", "count(s)", "count(DISTINCT v)", "sum(i4)", "sum(r)", "avg(i2)", "total(n)",
      "min(s)", "max(i4)", "max(f)", "min(r)", "sum(f)", "max(d)", "sum(n)",
      "count(*) FILTER (WHERE f)", "sum(i2) + 1", "min(v) || '!'", "sum(i2) / count(*)",
      "max(i4) - min(i4)", "sum(i2 > 0)"};
  const auto where = [&] { return g->Pick(2) ? " WHERE " + g->Condition(1 + g->Pick(2)) : ""; };
  switch (g->Pick(7)) {
    case 0: return "SELECT DISTINCT " + g->Text(1) + " AS a, " + g->Number(1) + " AS b FROM "
        "w" + where();
    case 1: {
      const std::string key = g->One(kKeys), other = g->One(kKeys);
      return "SELECT " + key + " AS k, " + other + ", " + g->One(kAggregates) + ", " +
             g->One(kAggregates) + " FROM w" + where() + " GROUP BY " + g->One({"k", "1",
             key}) + ", " +
             other + (g->Pick(3) ? "" : " HAVING count(*) > 1");
    }
    case 2: return "SELECT " + g->One(kAggregates) + ", " + g->One(kAggregates) + " FROM "
        "w" + where();
    case 3: {
      const std::string on = g->One({"a.id = b.i4", "a.s = b.v", "a.i2 = b.i4 AND b.f",
      "a.sn = b.s",
                                     "a.n = b.r", "a.d = b.d", "a.f = b.f AND a.v = b.v"});
      return "SELECT a.id, b.id, a.s, b.i4 FROM w a " + g->One({"JOIN", "LEFT JOIN",
      "CROSS JOIN"}) +
             " w b ON " + on;
    }
    case 4: return "SELECT " + g->Text(1) + " AS a FROM w" + where() +
                   g->One({" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT "}) + "SELECT " +
                   g->Text(1) + " FROM w" + g->One({" UNION ", " EXCEPT ", " INTERSECT "}) +
                   "SELECT " + g->Text(0) + " FROM w";
    case 5: return "SELECT id, " + g->Number(1) + " FROM w WHERE " +
                   g->One({"i4 IN (SELECT i2 FROM w)", "s NOT IN (SELECT v FROM w WHERE v IS NOT "
                       "NULL)",
                           "EXISTS (SELECT 1 FROM w x WHERE x.i4 = w.i2)",
                           "i4 > (SELECT avg(i4) FROM w)", "s = (SELECT max(v) FROM w)",
                           "id = (SELECT min(x.id) FROM w x WHERE x.s = w.s)"});
    default: return "WITH c AS (SELECT " + g->One(kKeys) + " AS k, " + g->One(kAggregates) +
                    " AS n FROM w GROUP BY 1) SELECT k, n FROM c WHERE " +
                    g->One({"n > 1", "k IS NOT NULL", "n = 2 OR k = 'a'", "k < 'b'"});
  }
}

TEST_F(TranslateSemantics, RandomSelectsGiveTheSameRows) {
  SCOPED_TRACE(testing::Message() << "seed " << Seed());
  Generator generator(Seed() + 2);
  int carried = 0;
  for (int i = 0; i < Rounds() && !HasFailure(); ++i) {
    carried += CompareView(RandomSelect(&generator), true);
  }
  EXPECT_GT(carried, Rounds() / 5);
}

TEST_F(TranslateSemantics, RandomOrdersAreTheSame) {
  SCOPED_TRACE(testing::Message() << "seed " << Seed());
  Generator generator(Seed() + 3);
  int carried = 0;
  for (int i = 0; i < Rounds() / 3 && !HasFailure(); ++i) {
    const std::string key = generator.Pick(2) ? generator.Text(1) : generator.Number(1);
    carried += CompareView("SELECT id, s FROM w ORDER BY " + key +
                           generator.One({"", " DESC", " COLLATE NOCASE", " COLLATE RTRIM DESC",
                                          " NULLS LAST", " DESC NULLS FIRST"}) +
                           ", id DESC" + generator.One({"", " LIMIT 7", " LIMIT 5 OFFSET 3"}));
  }
  EXPECT_GT(carried, Rounds() / 40);
}

TEST_F(TranslateSemantics, RandomConditionsDecideAlike) {
  SCOPED_TRACE(testing::Message() << "seed " << Seed());
  Generator generator(Seed() + 1);
  int carried = 0;
  for (int i = 0; i < Rounds() && !HasFailure(); ++i) {
    carried += CompareCheck(generator.Condition(1 + generator.Pick(3)));
  }
  EXPECT_GT(carried, Rounds() / 5);
  RecordProperty("carried", carried);
}

}  // namespace
}  // namespace lite2pg
