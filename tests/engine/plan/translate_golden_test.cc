// Translations, golden and hostile. What they mean is tested by translate_semantics_test.cc.
#include "engine/plan/translate/translate.h"

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/plan/translate/patterns.h"
#include "engine/plan/translate/typed_sql.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/plan/translate_support.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Translate, KeepsItsGoldens) {
  std::ifstream file(std::string(LITE2PG_TESTS_DIR) + "/engine/plan/translate_goldens.tsv");
  ASSERT_TRUE(file.is_open());
  std::string line;
  int lines = 0, carried = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    ASSERT_NE(second, std::string::npos) << line;
    const std::string kind = line.substr(0, first);
    const std::string source = line.substr(first + 1, second - first - 1);
    const std::string expected = line.substr(second + 1);
    EXPECT_EQ(TranslateGolden(kind, source), expected) << kind << ": " << source;
    ++lines;
    carried += !absl::StartsWith(expected, "NOT CARRIED");
  }
  EXPECT_GT(lines, 500);
  EXPECT_GT(carried, 250);
}

// ---- Hostile input -----------------------------------------------------------------------------

// SQL without what stands inside quotes: nothing of the source may appear there.
std::string Skeleton(const std::string& sql) {
  std::string out;
  char quote = '\0';
  bool escapes = false;
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote == '\0') {
      out.push_back(c);
      if (c != '\'' && c != '"') continue;
      quote = c;
      escapes = c == '\'' && i > 0 && sql[i - 1] == 'E';
    } else if (escapes && c == '\\') {
      ++i;
    } else if (c == quote) {
      if (i + 1 < sql.size() && sql[i + 1] == quote) {
        ++i;
        continue;
      }
      quote = '\0';
      out.push_back(c);
    }
  }
  EXPECT_EQ(quote, '\0') << "an open quote in " << sql;
  return out;
}

const std::vector<std::string>& HostileTexts() {
  static const auto* const kTexts = new std::vector<std::string>{
      "'; DROP TABLE evil; --", "\"; DROP TABLE evil; --", "$$; evil(); $$", "\\'; evil(); --",
      "a\nevil", "/* evil */", "*/ evil /*", "E'\\'' evil", "\\", "''", "\"\"", "%evil%", "select",
      "evil\r\n", "\xe2\x80\xae" "evil", "a\tb", "x) OR evil(", "::evil", "COLLATE \"C\"evil"};
  return *kTexts;
}

std::string Doubled(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

TEST(Translate, HostileStringsStayInsideTheirQuotes) {
  for (const std::string& text : HostileTexts()) {
    const std::string literal = Doubled(text, '\'');
    for (const std::string& check :
         {"s = " + literal, "s IN (" + literal + ", 'b')", "s || " + literal + " > " + literal,
          "s LIKE " + literal, "s GLOB " + literal, "s GLOB '[a]' || 'b' OR s GLOB '[a]' OR s = " +
          literal, "replace(s, " + literal + ", " + literal + ") = v", "sn = " + literal,
          "coalesce(s, " + literal + ") IS NOT NULL", "CASE s WHEN " + literal + " THEN 1 END"}) {
      const std::string sql = Check(check);
      EXPECT_THAT(Skeleton(sql), testing::Not(HasSubstr("evil"))) << check << "\n" << sql;
    }
    const std::string by_default = TranslateGolden("default text TEXT", literal);
    EXPECT_THAT(by_default, testing::Not(StartsWith("NOT CARRIED"))) << text;
    EXPECT_THAT(Skeleton(by_default), testing::Not(HasSubstr("evil"))) << by_default;
    const std::string format = TranslateGolden("default text TEXT",
                                               "strftime(" + literal + ", 'now')");
    EXPECT_THAT(Skeleton(format), testing::Not(HasSubstr("evil"))) << format;
    const std::string word = TranslateGolden("default text TEXT", Doubled(text, '"'));
    EXPECT_THAT(Skeleton(word), testing::Not(HasSubstr("evil"))) << word;
  }
}

TEST(Translate, HostileNamesStayInsideTheirQuotes) {
  for (const std::string& text : HostileTexts()) {
    TranslationContext context = SampleContext();
    TranslationRelation& table = context.relations[0];
    table.source_name = table.target_name = table.target_schema = text;
    for (TranslationColumn& column : table.columns) {
      if (column.source_name == "i") column.source_name = column.target_name = text;
    }
    const std::string name = Doubled(text, '"');
    absl::StatusOr<ExprPtr> expr = ParseExpression(name + " > 0 AND " + name + "." + name + " < 9");
    ASSERT_TRUE(expr.ok()) << expr.status();
    const Translation check = TranslateCheck(**expr, table, context);
    ASSERT_TRUE(check.ok) << check.reason;
    EXPECT_EQ(Skeleton(check.sql), "(\"\" > 0) AND (\"\" < 9)");
    const ViewTranslation view =
        View("SELECT " + name + " AS " + name + ", s " + name + " FROM " + name + " AS " + name +
             " ORDER BY " + name, context);
    ASSERT_TRUE(view.ok) << view.reason;
    EXPECT_THAT(Skeleton(view.sql), testing::Not(HasSubstr("evil"))) << view.sql;
    // Reasons go to the report and to terminals.
    const Translation unknown = TranslateCheck(**ParseExpression("nosuch." + name), table, context);
    EXPECT_FALSE(unknown.ok);
    EXPECT_EQ(unknown.reason.find('\n'), std::string::npos) << unknown.reason;
  }
}

TEST(Translate, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(Check("s = '\xff'"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(Check("s LIKE '\xc3'"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(TranslateGolden("default text TEXT", "'\xed\xa0\x80'"), StartsWith("NOT CARRIED"));
  EXPECT_THAT(TranslateGolden("view", "SELECT 1 AS \"\xff\""), HasSubstr("not valid UTF-8"));
}

TEST(Translate, BoundsDepthAndLength) {
  std::string minus = "i", half = "i", chain = "i = 0";
  for (int i = 0; i < 400; ++i) minus = "-(" + minus + ")";
  EXPECT_THAT(Check(minus), HasSubstr("nested too deeply"));
  // Every level writes its operand twice: 2^100 bytes without a bound.
  for (int i = 0; i < 100; ++i) half = "min(" + half + ", i4)";
  EXPECT_THAT(Check(half + " > 0"), HasSubstr("too long"));
  // Chains of OR are flat, however long.
  for (int i = 1; i < 900; ++i) chain += " OR i = " + std::to_string(i);
  EXPECT_THAT(Check(chain), StartsWith("(\"i\" = 0) OR (\"i\" = 1)"));
  std::string select = "SELECT i FROM t";
  for (int i = 0; i < 60; ++i) select = "SELECT * FROM (" + select + ")";
  EXPECT_THAT(TranslateGolden("view", select), HasSubstr("nested too deeply"));
  std::string wide = "SELECT i FROM t";
  for (int i = 0; i < 30; ++i) wide = "SELECT *, * FROM (" + wide + ")";
  EXPECT_THAT(TranslateGolden("view", wide), StartsWith("NOT CARRIED"));
}

TEST(Translate, SurvivesRandomMutations) {
  std::ifstream file(std::string(LITE2PG_TESTS_DIR) + "/engine/plan/translate_goldens.tsv");
  const uint32_t seed = 31337;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::string line;
  while (std::getline(file, line)) {
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    if (line.empty() || line[0] == '#') continue;
    const std::string kind = line.substr(0, first);
    for (int round = 0; round < 20; ++round) {
      std::string source = line.substr(first + 1, second - first - 1);
      for (int change = 0; change < 2 && !source.empty(); ++change) {
        const size_t at = random() % source.size();
        switch (random() % 3) {
          case 0: source[at] = "()'\",.*-+ab019 \xc3"[random() % 16]; break;
          case 1: source.erase(at, 1 + random() % 3); break;
          default: source.insert(at, source.substr(random() % source.size(), 4)); break;
        }
      }
      const std::string sql = TranslateGolden(kind, source);
      if (!absl::StartsWith(sql, "NOT CARRIED") && !absl::StartsWith(sql, "PARSE")) Skeleton(sql);
    }
  }
}

// ---- What the context decides ------------------------------------------------------------------

TEST(Translate, BelievesAffinityOnlyAsFarAsItGoes) {
  TranslationContext context = SampleContext();
  TranslationRelation& table = context.relations[0];
  const auto check = [&](const std::string& sql) {
    return ReasonOr(TranslateCheck(**ParseExpression(sql), table, context));
  };
  for (TranslationColumn& column : table.columns) column.counted = false;
  EXPECT_EQ(check("i > 0"), "\"i\" > 0");
  EXPECT_EQ(check("r > 0"), "\"r\" > 0::float8");
  EXPECT_EQ(check("s = 'a'"), "\"s\" = 'a'::text");
  // Text may be in a boolean, in a bytea, and in a text column of any other affinity than TEXT.
  EXPECT_THAT(check("f = 1"), StartsWith("NOT CARRIED"));
  EXPECT_THAT(check("x = x'00'"), StartsWith("NOT CARRIED"));
  EXPECT_THAT(check("u = 'a'"), StartsWith("NOT CARRIED"));
  EXPECT_THAT(check("sx = 'a'"), StartsWith("NOT CARRIED"));
  // Whatever is stored, NULL is NULL.
  EXPECT_EQ(check("f IS NULL OR u IS NOT NULL"), "(\"f\" IS NULL) OR (\"u\" IS NOT NULL)");
}

TEST(Translate, ComparesDatesOnlyIfAllAreText) {
  TranslationContext context = SampleContext();
  TranslationRelation& table = context.relations[0];
  const auto check = [&] {
    return ReasonOr(TranslateCheck(**ParseExpression("d > '2020-01-01'"), table, context));
  };
  EXPECT_EQ(check(), "\"d\" > '2020-01-01'::date");
  for (TranslationColumn& column : table.columns) {
    column.counts[static_cast<size_t>(StorageClass::kInteger)] += 1;
  }
  EXPECT_THAT(check(), StartsWith("NOT CARRIED"));
}

TEST(Translate, LeavesTheOrderOfUtf16Alone) {
  TranslationContext context = SampleContext();
  context.source_utf16 = true;
  const auto check = [&](const std::string& sql) {
    return ReasonOr(TranslateCheck(**ParseExpression(sql), context.relations[0], context));
  };
  EXPECT_THAT(check("s < 'b'"), HasSubstr("UTF-16"));
  EXPECT_THAT(check("s BETWEEN 'a' AND 'b'"), HasSubstr("UTF-16"));
  EXPECT_EQ(check("s = 'b' AND i < 3"), "(\"s\" = 'b'::text) AND (\"i\" < 3)");
  EXPECT_THAT(View("SELECT s FROM t ORDER BY s", context).reason, HasSubstr("UTF-16"));
  EXPECT_THAT(View("SELECT max(s) FROM t", context).reason, HasSubstr("UTF-16"));
}

TEST(Translate, UsesTargetNames) {
  TranslationContext context = SampleContext("My Schema");
  TranslationRelation& table = context.relations[0];
  table.target_name = "tbl";
  table.columns[1].target_name = "eye";
  EXPECT_EQ(ReasonOr(TranslateCheck(**ParseExpression("I > 0"), table, context)), "\"eye\" > 0");
  const ViewTranslation view = View("SELECT T.I FROM T", context);
  EXPECT_EQ(view.sql, "SELECT \"T\".\"eye\" AS \"i\" FROM \"My Schema\".\"tbl\" AS \"T\"");
}

TEST(Translate, RefusesGeneratedColumnsInsideGeneratedOnes) {
  TranslationContext context = SampleContext();
  context.relations[0].columns[1].generated = true;
  const Translation generated =
      TranslateGenerated(**ParseExpression("i + 1"), BuiltinType(kOidInt8), Affinity::kInteger,
                         context.relations[0], context);
  EXPECT_THAT(generated.reason, HasSubstr("another generated column"));
  EXPECT_TRUE(TranslateCheck(**ParseExpression("i > 1"), context.relations[0], context).ok);
}

TEST(Translate, NamesTheColumnsOfViews) {
  TranslationContext context = SampleContext();
  const std::string select =
      "SELECT a.i, b.i, a.i + 1, s AS x, v AS X, 'q' FROM t a JOIN t b ON a.id = b.id";
  const auto names = [&](const ViewTranslation& view) {
    std::string out;
    for (const TranslationColumn& column : view.columns) out += column.target_name + "|";
    return out;
  };
  EXPECT_EQ(names(View("SELECT a.i, b.i, a.i + 1, a.s AS x, a.v AS X, 'q' FROM t a JOIN t b ON "
                       "a.id = b.id", context)), "i|i:1|a.i + 1|x|X:1|'q'|");
  context.lower_names = true;
  EXPECT_EQ(names(View("SELECT i AS Total, s AS \"Name\" FROM t", context)), "total|name|");
  context.lower_names = false;
  const std::string long_name(70, 'n');
  EXPECT_EQ(names(View("SELECT i AS " + long_name + "a, i AS " + long_name + "b FROM t", context)),
            std::string(63, 'n') + "|" + std::string(61, 'n') + "_1|");
  EXPECT_EQ(names(View("SELECT 1 AS \"\", 2 AS [\xc3\xa9]", context)), "column1|\xc3\xa9|");
}

// Views of views: each translated one is a relation for the next.
TEST(Translate, BuildsViewsOnViews) {
  TranslationContext context = SampleContext();
  const ViewTranslation early = View("SELECT n FROM totals WHERE n > 5", context);
  EXPECT_EQ(early.missing_relation, "totals");
  const ViewTranslation totals =
      View("SELECT s AS k, count(*) AS n, sum(r) AS total, sn, f FROM t GROUP BY s, r, f",
           context);
  EXPECT_THAT(totals.reason, HasSubstr("sn"));
  const ViewTranslation ok =
      View("SELECT s AS k, count(*) AS n, sum(r * i4) AS total, f FROM t GROUP BY s, f", context);
  ASSERT_TRUE(ok.ok) << ok.reason;
  EXPECT_EQ(ok.exactness, Exactness::kRounding);
  TranslationRelation relation;
  relation.source_name = "totals";
  relation.target_schema = "public";
  relation.target_name = "totals";
  relation.columns = ok.columns;
  context.relations.push_back(relation);
  EXPECT_EQ(View("SELECT n, total FROM totals WHERE n > 5 AND k = 'a' AND total > 2500 AND f",
                 context).sql,
            "SELECT \"totals\".\"n\" AS \"n\", \"totals\".\"total\" AS \"total\" FROM "
            "\"public\".\"totals\" AS \"totals\" WHERE ((\"totals\".\"n\" > 5) AND "
            "(\"totals\".\"k\" "
            "= 'a'::text) AND (\"totals\".\"total\" > 2500::float8) AND \"totals\".\"f\")");
}

TEST(Translate, ReadsNumbersOnlyByNamedConventions) {
  ReadingRules rules;
  const auto by = [&](const std::string& sql, Oid oid) {
    return ReasonOr(TranslateDefault(**ParseDefault(sql), BuiltinType(oid), Affinity::kNumeric,
                                     rules));
  };
  EXPECT_THAT(by("0", kOidTimestamp), StartsWith("NOT CARRIED"));
  EXPECT_THAT(by("strftime('%s', 'now')", kOidTimestamptz), StartsWith("NOT CARRIED"));
  rules.integer = NumberReading::kUnixSeconds;
  EXPECT_EQ(by("0", kOidTimestamptz), "'1970-01-01 00:00:00+00'::timestamp with time zone");
  EXPECT_EQ(by("strftime('%s', 'now')", kOidTimestamptz), "(date_trunc('second', now()))");
  rules.empty_text_as_null = true;
  EXPECT_EQ(by("''", kOidTimestamp), "NULL");
}

TEST(Translate, ReadsEnumsAndDomainsByWhatTheyHold) {
  PgType mood;
  mood.oid = 99999;
  mood.kind = TypeKind::kEnum;
  mood.type_name = "mood";
  mood.sql_name = "public.mood";
  mood.enum_labels = {"ok", "sad"};
  const auto by = [&](const std::string& sql, const PgType& type) {
    return ReasonOr(TranslateDefault(**ParseDefault(sql), type, Affinity::kText));
  };
  EXPECT_EQ(by("'sad'", mood), "'sad'::public.mood");
  EXPECT_THAT(by("'happy'", mood), StartsWith("NOT CARRIED"));
  PgType positive;
  positive.oid = 99998;
  positive.kind = TypeKind::kDomain;
  positive.sql_name = "positive";
  positive.base = std::make_shared<PgType>(BuiltinType(kOidInt4));
  EXPECT_EQ(by("5", positive), "5");
}

}  // namespace
}  // namespace lite2pg
