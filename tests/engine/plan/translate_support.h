// What the tests of engine/plan/translate share: one table with a column of every kind, described
// to the translator and written in both databases.
#ifndef LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_
#define LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_

#include <string>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/plan/translate/translate.h"
#include "engine/sqlite/sql/parser.h"

namespace lite2pg {

struct SampleColumn {
  const char* name;
  const char* declared;  // in SQLite, with its collation
  Oid oid;
  Affinity affinity;
  const char* collation;
  std::vector<StorageClass> classes;  // what the column holds
  TemporalText temporal = TemporalText::kUnknown;
};

// Columns are named after their kind: i* integers, r* reals, s* text, f a flag, x a blob, d dates.
inline const std::vector<SampleColumn>& SampleColumns() {
  using C = StorageClass;
  static const auto* const kColumns = new std::vector<SampleColumn>{
      {"id", "INTEGER PRIMARY KEY", kOidInt8, Affinity::kInteger, "BINARY", {C::kInteger}},
      {"i", "INTEGER", kOidInt8, Affinity::kInteger, "BINARY", {C::kInteger}},
      {"i4", "INT", kOidInt4, Affinity::kInteger, "BINARY", {C::kInteger}},
      {"i2", "SMALLINT", kOidInt2, Affinity::kInteger, "BINARY", {C::kInteger}},
      {"r", "REAL", kOidFloat8, Affinity::kReal, "BINARY", {C::kReal}},
      {"n", "NUMERIC", kOidNumeric, Affinity::kNumeric, "BINARY", {C::kInteger, C::kReal}},
      {"s", "TEXT", kOidText, Affinity::kText, "BINARY", {C::kText}},
      {"v", "VARCHAR(40)", kOidVarchar, Affinity::kText, "BINARY", {C::kText}},
      {"sn", "TEXT COLLATE NOCASE", kOidText, Affinity::kText, "NOCASE", {C::kText}},
      {"sr", "TEXT COLLATE RTRIM", kOidText, Affinity::kText, "RTRIM", {C::kText}},
      {"sx", "STRING", kOidText, Affinity::kNumeric, "BINARY", {C::kText}},
      {"u", "", kOidText, Affinity::kBlob, "BINARY", {C::kText}},
      {"f", "BOOLEAN", kOidBool, Affinity::kNumeric, "BINARY", {C::kInteger}},
      {"x", "BLOB", kOidBytea, Affinity::kBlob, "BINARY", {C::kBlob}},
      {"d", "DATE", kOidDate, Affinity::kNumeric, "BINARY", {C::kText}, TemporalText::kDate},
      {"ts", "DATETIME", kOidTimestamp, Affinity::kNumeric, "BINARY", {C::kText},
       TemporalText::kDateTime},
      {"ts2", "DATETIME", kOidTimestamp, Affinity::kNumeric, "BINARY", {C::kText}},
      {"j", "JSON", kOidJsonb, Affinity::kNumeric, "BINARY", {C::kText}},
      {"m", "INTEGER", kOidText, Affinity::kInteger, "BINARY", {C::kText, C::kInteger}},
  };
  return *kColumns;
}

inline TranslationRelation SampleTable(const std::string& schema = "public") {
  TranslationRelation table;
  table.source_name = "t";
  table.target_schema = schema;
  table.target_name = "t";
  for (const SampleColumn& sample : SampleColumns()) {
    TranslationColumn column;
    column.source_name = column.target_name = sample.name;
    column.type = BuiltinType(sample.oid, sample.oid == kOidVarchar ? LengthTypmod(40) : -1);
    column.affinity = sample.affinity;
    column.collation = sample.collation;
    column.counted = true;
    for (const StorageClass c : sample.classes) column.counts[static_cast<size_t>(c)] = 7;
    column.temporal = sample.temporal;
    table.columns.push_back(std::move(column));
  }
  table.rowid_alias = 0;
  return table;
}

inline TranslationContext SampleContext(const std::string& schema = "public") {
  TranslationContext context;
  context.relations.push_back(SampleTable(schema));
  return context;
}

inline std::string ReasonOr(const Translation& translation) {
  if (!translation.ok) return "NOT CARRIED: " + translation.reason;
  return (translation.always_true ? "ALWAYS " : "") + translation.sql;
}

// The CHECK's SQL, or "NOT CARRIED: why", or a parse error.
inline std::string Check(const std::string& sql) {
  absl::StatusOr<ExprPtr> expr = ParseExpression(sql);
  if (!expr.ok()) return "PARSE: " + std::string(expr.status().message());
  return ReasonOr(TranslateCheck(**expr, SampleTable(), SampleContext()));
}

inline ViewTranslation View(const std::string& select, const TranslationContext& context) {
  absl::StatusOr<CreateView> view = ParseCreateView("CREATE VIEW v AS " + select);
  if (view.ok()) return TranslateView(*view, context);
  ViewTranslation failed;
  failed.reason = "PARSE: " + std::string(view.status().message());
  return failed;
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_
