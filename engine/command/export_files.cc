#include "engine/command/export_files.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/archive/format.h"
#include "engine/base/text.h"
#include "engine/command/archive_catalog.h"
#include "engine/command/archive_rules.h"
#include "engine/plan/planner.h"

namespace lite2pg {
namespace {

// psql's and the server's settings under which the quoting in these files means what it says.
constexpr absl::string_view kSettings =
    "SET client_encoding = 'UTF8';\n"
    "SET standard_conforming_strings = on;\n"
    "SET check_function_bodies = off;\n";

std::string Executed(absl::string_view sql) {
  return absl::StrCat("EXECUTE ", QuoteLiteral(sql), ";\n");
}

// PL/pgSQL that tries the attempts from `at` on, as postdata_graph does over its connections.
std::string TryBlock(const PostObject& object, size_t at) {
  const PostAttempt& attempt = object.attempts[at];
  std::string body = "BEGIN\n";
  if (!attempt.check_sql.empty()) {
    absl::StrAppend(&body, "EXECUTE ", QuoteLiteral(attempt.check_sql), " INTO holds;\n",
                    "IF holds IS NOT TRUE THEN RAISE EXCEPTION 'it does not hold'; END IF;\n");
  }
  for (const std::string& sql : attempt.sql) absl::StrAppend(&body, Executed(sql));
  absl::StrAppend(&body, "EXCEPTION WHEN OTHERS THEN\n");
  if (at + 1 < object.attempts.size()) {
    absl::StrAppend(&body, TryBlock(object, at + 1));
  } else {
    // What copy reports as not carried; here the user must see it.
    absl::StrAppend(&body, "RAISE WARNING '% %: %', ", QuoteLiteral(object.report_kind), ", ",
                    QuoteLiteral(object.name), ", SQLERRM;\n");
  }
  return absl::StrCat(body, "END;\n");
}

std::string ObjectSql(const PostObject& object) {
  if (object.attempts.empty()) return "";
  const std::string body =
      absl::StrCat("DECLARE holds boolean;\nBEGIN\n", TryBlock(object, 0), "END");
  return absl::StrCat("DO LANGUAGE plpgsql ", QuoteLiteral(body), ";\n");
}

// The next value after those in use and after what AUTOINCREMENT has given out.
std::string SequenceSql(const Plan& plan, const SequencePlan& sequence) {
  const TablePlan& table = plan.tables[static_cast<size_t>(sequence.table)];
  const std::string name = QuoteQualified(table.load_schema, table.load_name);
  const std::string used = absl::StrCat("GREATEST(max(", QuoteIdentifier(sequence.column), "), ",
                                        std::max<int64_t>(sequence.source_sequence, 0), ")");
  return absl::StrCat("SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(",
                      QuoteLiteral(name), ", ", QuoteLiteral(sequence.column), "), GREATEST(", used,
                      ", 1), ", used, " >= 1) FROM ", name, ";\n");
}

ArchiveColumn DescribeColumn(const ColumnPlan& planned) {
  ArchiveColumn column;
  column.source_name = planned.source_name;
  column.target_name = planned.target_name;
  column.declared_type = planned.declared_type;
  column.source_column = planned.source_column;
  column.type = planned.type.sql_name;
  column.not_null = planned.not_null;
  column.rules = NameRules(planned.rules);
  column.storage_classes = planned.scan.counts;
  column.integer_min = planned.scan.integer_min;
  column.integer_max = planned.scan.integer_max;
  column.bytes = planned.scan.bytes;
  column.value_bytes_max = planned.scan.value_bytes_max;
  return column;
}

}  // namespace

std::string PreDataSql(const Plan& plan) {
  std::string out = absl::StrCat(kSettings, "CREATE SCHEMA IF NOT EXISTS ",
                                 QuoteIdentifier(plan.target_schema), ";\n");
  for (const std::string& statement : PreDataStatements(plan)) {
    absl::StrAppend(&out, statement, ";\n");
  }
  return out;
}

std::string PostDataSql(const Plan& plan) {
  std::string out(kSettings);
  // In the order of postdata_graph's phases: generated columns, keys and indexes, foreign keys,
  // views.
  const auto phase = [](PostKind kind) {
    return kind == PostKind::kGenerated    ? 0
           : kind == PostKind::kForeignKey ? 2
           : kind == PostKind::kView       ? 3
                                           : 1;
  };
  for (int now = 0; now <= 3; ++now) {
    for (const PostObject& object : plan.objects) {
      if (phase(object.kind) == now) absl::StrAppend(&out, ObjectSql(object));
    }
  }
  for (const SequencePlan& sequence : plan.sequences) {
    absl::StrAppend(&out, SequenceSql(plan, sequence));
  }
  absl::StrAppend(&out, "ANALYZE;\n");
  return out;
}

ArchiveManifest PlannedManifest(const Plan& plan, const SourceCatalog& catalog,
                                const CommonOptions& options, bool compress,
                                const Report::Source& source) {
  ArchiveManifest manifest;
  manifest.compressed = compress;
  manifest.tool_version = LITE2PG_VERSION;
  manifest.source.fingerprint = source.fingerprint;
  manifest.source.encoding = source.encoding;
  manifest.source.bytes = source.bytes;
  manifest.source.page_size = source.page_size;
  manifest.target_schema = plan.target_schema;
  const auto add = [&](absl::string_view name, const std::string& value) {
    manifest.options.emplace_back(std::string(name), value);
  };
  add("identifiers", options.identifiers == Identifiers::kLower ? "lower" : "preserve");
  for (const std::string& glob : options.include) add("include", glob);
  for (const std::string& glob : options.exclude) add("exclude", glob);
  for (const TableConfig& table : options.tables) {
    if (!table.where.empty()) add("where", absl::StrCat(table.name, "=", table.where));
  }
  if (compress) add("compress", std::string(kZstd));
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& planned = plan.tables[i];
    ArchiveTable table;
    table.number = static_cast<int>(i);
    table.source_name = planned.source->name;
    table.target_name = planned.target_name;
    table.where = planned.reading.where_sql;
    for (const ColumnPlan& column : planned.columns) {
      table.columns.push_back(DescribeColumn(column));
    }
    manifest.tables.push_back(std::move(table));
  }
  manifest.catalog_json = ArchiveCatalogToJson(catalog);
  // No rows and no chunks yet: what is left says what is exported, from which state of the source.
  manifest.identity = ChecksumsOf(WriteManifest(manifest)).sha256;
  // Neither its name nor how its state was secured makes another source of it.
  manifest.source.path = source.path;
  manifest.source.snapshot = source.snapshot;
  return manifest;
}

}  // namespace lite2pg
