// Every translation of the goldens is put to the use it is made for: a server must accept it, and
// what defaults give must be what SQLite's give.
#include <sqlite3.h>

#include <cctype>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/engine/plan/translate_support.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

struct Golden {
  std::string kind, source, sql;
};

std::vector<Golden> CarriedGoldens(const std::string& kind) {
  std::ifstream file(std::string(LITE2PG_TESTS_DIR) + "/engine/plan/translate_goldens.tsv");
  std::vector<Golden> goldens;
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields.size() != 3 || !absl::StartsWith(fields[0], kind)) continue;
    if (absl::StartsWith(fields[2], "NOT CARRIED")) continue;
    goldens.push_back({fields[0], fields[1],
                       std::string(absl::StripPrefix(fields[2], "ALWAYS "))});
  }
  EXPECT_GT(goldens.size(), 7u) << kind;
  return goldens;
}

class TranslateServer : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::vector<std::string> columns;
    for (const SampleColumn& column : SampleColumns()) {
      columns.push_back(absl::StrCat(
          column.name, " ",
          BuiltinType(column.oid, column.oid == kOidVarchar ? LengthTypmod(40) : -1).sql_name));
    }
    columns_ = absl::StrJoin(columns, ", ");
    Run(absl::StrCat("CREATE TABLE ", In("t"), " (", columns_, ")"));
  }

  // A default as SQLite gives it, as text.
  static std::string SqliteDefault(const std::string& declared, const std::string& source) {
    sqlite3* db = nullptr;
    sqlite3_open(":memory:", &db);
    const bool bare = source[0] == '"' || source == "abc";
    const std::string value = bare ? source : absl::StrCat("(", source, ")");
    std::string out = "error";
    sqlite3_stmt* stmt = nullptr;
    const std::string create = absl::StrCat("CREATE TABLE d(c ", declared, " DEFAULT ", value, ")");
    if (sqlite3_exec(db, create.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK &&
        sqlite3_exec(db, "INSERT INTO d DEFAULT VALUES", nullptr, nullptr, nullptr) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT c FROM d", -1, &stmt, nullptr) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0));
      out = text == nullptr ? "NULL" : text;
    } else {
      out = absl::StrCat("error: ", sqlite3_errmsg(db));
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
  }

  std::string columns_;
};

// Time and chance differ between two runs; the form does not.
std::string FormOf(const std::string& text) {
  std::string form;
  for (const char c : text) {
    form.push_back(std::isdigit(static_cast<unsigned char>(c)) ? '9' : c);
  }
  return form;
}

TEST_F(TranslateServer, AcceptsEveryDefault) {
  int compared = 0;
  for (const Golden& golden : CarriedGoldens("default ")) {
    const std::vector<std::string> kind = absl::StrSplit(golden.kind, ' ');
    const std::string table = In("d");
    const absl::Status created = db().Execute(absl::StrCat(
        "CREATE TABLE ", table, " (c ", TypeByName(kind[1]).sql_name, " DEFAULT ", golden.sql,
        ")"));
    ASSERT_TRUE(created.ok()) << created << "\n" << golden.kind << ": " << golden.source;
    Run(absl::StrCat("INSERT INTO ", table, " DEFAULT VALUES"));
    const std::string value = Ask(absl::StrCat("SELECT c::text FROM ", table));
    Run(absl::StrCat("DROP TABLE ", table));
    // Text and integers are written alike in both; the rest is the codecs' business.
    if (kind[1] != "text" && kind[1] != "int8") continue;
    const bool random = absl::StrContains(golden.source, "random");
    const bool clock = absl::StrContains(golden.sql, "now()");
    const std::string original = SqliteDefault(kind[2], golden.source);
    if (absl::StartsWith(original, "error")) continue;  // functions newer than this SQLite
    ++compared;
    if (random) {
      EXPECT_EQ(value.size() > 30, original.size() > 30) << golden.source << "\n" << value;
    } else if (clock) {
      EXPECT_EQ(FormOf(value), FormOf(original)) << golden.source << "\n" << golden.sql;
    } else {
      EXPECT_EQ(value, original) << golden.source << "\n" << golden.sql;
    }
  }
  EXPECT_GT(compared, 40);
}

TEST_F(TranslateServer, AcceptsEveryCheck) {
  for (const Golden& golden : CarriedGoldens("check")) {
    const absl::Status added = db().Execute(
        absl::StrCat("ALTER TABLE ", In("t"), " ADD CHECK (", golden.sql, ")"));
    EXPECT_TRUE(added.ok()) << added << "\n" << golden.source;
  }
}

TEST_F(TranslateServer, AcceptsEveryIndex) {
  for (const Golden& golden : CarriedGoldens("index")) {
    const absl::Status added =
        db().Execute(absl::StrCat("CREATE INDEX ON ", In("t"), " (", golden.sql, ")"));
    EXPECT_TRUE(added.ok()) << added << "\n" << golden.source;
  }
  for (const Golden& golden : CarriedGoldens("predicate")) {
    const absl::Status added =
        db().Execute(absl::StrCat("CREATE INDEX ON ", In("t"), " (id) WHERE ", golden.sql));
    EXPECT_TRUE(added.ok()) << added << "\n" << golden.source;
  }
  // Whatever a CHECK may say, an index may be on: all of it is immutable.
  int count = 0;
  for (const Golden& golden : CarriedGoldens("check")) {
    const absl::Status added = db().Execute(
        absl::StrCat("CREATE INDEX ON ", In("t"), " ((", golden.sql, "))"));
    EXPECT_TRUE(added.ok()) << added << "\n" << golden.source;
    ++count;
  }
  EXPECT_GT(count, 150);
}

TEST_F(TranslateServer, AcceptsEveryGeneratedColumn) {
  for (const Golden& golden : CarriedGoldens("generated ")) {
    const std::vector<std::string> kind = absl::StrSplit(golden.kind, ' ');
    const absl::Status added = db().Execute(
        absl::StrCat("CREATE TABLE ", In("g"), " (", columns_, ", c ", TypeByName(kind[1]).sql_name,
                     " GENERATED ALWAYS AS (", golden.sql, ") STORED)"));
    EXPECT_TRUE(added.ok()) << added << "\n" << golden.kind << ": " << golden.source;
    Run(absl::StrCat("INSERT INTO ", In("g"), " (id) VALUES (1)"));
    Run(absl::StrCat("DROP TABLE ", In("g")));
  }
}

TEST_F(TranslateServer, AcceptsEveryView) {
  const TranslationContext context = SampleContext(schema_);
  for (const Golden& golden : CarriedGoldens("view")) {
    const ViewTranslation view = View(golden.source, context);
    ASSERT_TRUE(view.ok) << view.reason;
    const absl::Status created =
        db().Execute(absl::StrCat("CREATE VIEW ", In("v"), " AS ", view.sql));
    ASSERT_TRUE(created.ok()) << created << "\n" << golden.source;
    // The types that later views are told must be the ones it has.
    for (const TranslationColumn& column : view.columns) {
      if (column.type.kind != TypeKind::kBase) continue;
      EXPECT_EQ(Ask(absl::StrCat("SELECT atttypid FROM pg_attribute WHERE attrelid = ",
                                 QuoteLiteral(In("v")), "::regclass AND attname = ",
                                 QuoteLiteral(column.target_name))),
                absl::StrCat(column.type.oid))
          << column.target_name << " of " << golden.source;
    }
    Run(absl::StrCat("DROP VIEW ", In("v")));
  }
}

}  // namespace
}  // namespace lite2pg
