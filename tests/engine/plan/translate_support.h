// What the tests of engine/plan/translate share: one table with a column of every kind, described
// to the translator and written in both databases.
#ifndef LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_
#define LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_

#include <cstdlib>
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

// A built-in type by its catalog name, with a length or a precision and scale if need be: "int8",
// "varchar(5)", "numeric(10,2)".
inline PgType TypeByName(const std::string& name) {
  const size_t open = name.find('(');
  const TypeCodec* codec = FindCodecByName(name.substr(0, open));
  if (codec == nullptr) return PgType();
  if (open == std::string::npos) return BuiltinType(codec->oid);
  const int first = std::atoi(name.c_str() + open + 1);
  const size_t comma = name.find(',');
  if (comma == std::string::npos) return BuiltinType(codec->oid, LengthTypmod(first));
  return BuiltinType(codec->oid, NumericTypmod(first, std::atoi(name.c_str() + comma + 1)));
}

// One line of translate_goldens.tsv: `kind` is check, predicate, index, view, or default or
// generated with a type and a declared type ("default numeric(10,2) DECIMAL").
inline std::string TranslateGolden(const std::string& kind, const std::string& source) {
  const TranslationContext context = SampleContext();
  const TranslationRelation& table = context.relations[0];
  if (kind == "view") return ReasonOr(View(source, context));
  const bool is_default = kind.rfind("default ", 0) == 0;
  absl::StatusOr<ExprPtr> expr = is_default ? ParseDefault(source) : ParseExpression(source);
  if (!expr.ok()) return "PARSE: " + std::string(expr.status().message());
  if (kind == "check") return ReasonOr(TranslateCheck(**expr, table, context));
  if (kind == "predicate") return ReasonOr(TranslateIndexPredicate(**expr, table, context));
  if (kind == "index") return ReasonOr(TranslateIndexExpression(**expr, table, context));
  const size_t first = kind.find(' '), second = kind.find(' ', first + 1);
  const PgType type = TypeByName(kind.substr(first + 1, second - first - 1));
  const Affinity affinity = AffinityOf(second == std::string::npos ? "" : kind.substr(second + 1));
  if (is_default) return ReasonOr(TranslateDefault(**expr, type, affinity));
  return ReasonOr(TranslateGenerated(**expr, type, affinity, table, context));
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_ENGINE_PLAN_TRANSLATE_SUPPORT_H_
