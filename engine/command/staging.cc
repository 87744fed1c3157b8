#include "engine/command/staging.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "engine/base/failpoint.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/planner.h"

namespace lite2pg {
namespace {

bool IsMade(const PostObject& view, const Report& report) {
  return std::any_of(report.objects.begin(), report.objects.end(), [&](const ObjectReport& object) {
    return object.kind == "view" && object.name == view.name && object.state != "not_carried";
  });
}

// ALTER DEFAULT PRIVILEGES IN SCHEMA grants on tables when they are created in that schema; ours
// were created in another one. What it would have given is given after the move.
absl::StatusOr<std::vector<std::string>> DefaultGrants(PgConnection& connection,
                                                       const std::string& schema) {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(
          "SELECT a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
          "   ELSE pg_catalog.quote_ident(r.rolname) END, a.is_grantable, d.defaclobjtype"
          " FROM pg_catalog.pg_default_acl d"
          " JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace"
          " CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a"
          " LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee"
          " WHERE n.nspname = $1 AND d.defaclobjtype IN ('r', 'S')"
          "   AND d.defaclrole = (SELECT oid FROM pg_catalog.pg_roles"
          "                       WHERE rolname = CURRENT_USER)"
          "   AND a.grantee <> d.defaclrole",
          {schema}));
  std::vector<std::string> grants;
  for (int i = 0; i < rows.rows(); ++i) {
    const bool sequences = rows.Text(i, 3) == "S";
    // The privileges are the server's own words, the grantee is quoted by the server.
    grants.push_back(absl::StrCat(sequences ? "S" : "T", "GRANT ", rows.Text(i, 0), " ON ",
                                  sequences ? "SEQUENCE " : "TABLE ", "%s TO ", rows.Text(i, 1),
                                  rows.Bool(i, 2) ? " WITH GRANT OPTION" : ""));
  }
  return grants;
}

}  // namespace

absl::Status CreateStaged(PgConnection& connection, const Plan& plan) {
  const std::vector<std::string> statements = PreDataStatements(plan);
  for (size_t at = 0; at < statements.size(); at += kDdlPerTransactionMax) {
    const size_t end = std::min<size_t>(statements.size(), at + kDdlPerTransactionMax);
    LITE2PG_FAILPOINT("pre_data.ddl.before");
    RETURN_IF_ERROR(connection.Begin());
    RETURN_IF_ERROR(connection.ExecuteAll(
        std::vector<std::string>(statements.begin() + static_cast<ptrdiff_t>(at),
                                 statements.begin() + static_cast<ptrdiff_t>(end))));
    LITE2PG_FAILPOINT("pre_data.ddl.commit");
    RETURN_IF_ERROR(connection.Commit());
    LITE2PG_FAILPOINT("pre_data.ddl.done");
  }
  return absl::OkStatus();
}

absl::Status PublishStaged(PgConnection& connection, const Plan& plan, const Report& report) {
  if (plan.staging_schema.empty()) return absl::OkStatus();
  const std::string schema = QuoteIdentifier(plan.target_schema);
  if (!plan.target_schema_exists) {
    return connection.Execute(absl::StrCat(
        "ALTER SCHEMA ", QuoteIdentifier(plan.staging_schema), " RENAME TO ", schema));
  }
  const bool renames = !plan.staging_prefix.empty();
  std::vector<std::string> statements;
  ASSIGN_OR_RETURN(const std::vector<std::string> grants,
                   renames ? std::vector<std::string>()
                           : DefaultGrants(connection, plan.target_schema));
  for (const TablePlan& table : plan.tables) {
    if (!table.create) continue;
    statements.push_back(
        renames ? absl::StrCat("ALTER TABLE ", table.LoadTarget(), " RENAME TO ",
                               QuoteIdentifier(table.target_name))
                : absl::StrCat("ALTER TABLE ", table.LoadTarget(), " SET SCHEMA ", schema));
    for (const std::string& grant : grants) {
      if (grant[0] != 'T') continue;
      statements.push_back(absl::StrReplaceAll(
          grant.substr(1), {{"%s", QuoteQualified(plan.target_schema, table.target_name)}}));
    }
  }
  for (const SequenceReport& sequence : report.sequences) {
    for (const std::string& grant : grants) {
      if (grant[0] != 'S') continue;
      const std::string moved = absl::StrReplaceAll(
          sequence.name, {{QuoteIdentifier(plan.staging_schema), schema},
                          {plan.staging_schema, schema}});
      statements.push_back(absl::StrReplaceAll(grant.substr(1), {{"%s", moved}}));
    }
  }
  for (const PostObject& view : plan.objects) {
    if (view.kind != PostKind::kView || !IsMade(view, report)) continue;
    const std::string made = QuoteQualified(plan.staging_schema, view.load_name);
    statements.push_back(
        renames ? absl::StrCat("ALTER VIEW ", made, " RENAME TO ", QuoteIdentifier(view.name))
                : absl::StrCat("ALTER VIEW ", made, " SET SCHEMA ", schema));
  }
  if (!renames) {
    statements.push_back(absl::StrCat("DROP SCHEMA ", QuoteIdentifier(plan.staging_schema)));
  }
  return connection.ExecuteAll(statements);
}

namespace {

// Moves some relations of the schema. False: there was none.
absl::StatusOr<bool> PublishBatch(PgConnection& connection, const std::string& from,
                                  const std::string& to, const std::vector<std::string>& grants) {
  ASSIGN_OR_RETURN(
      const PgResult relations,
      connection.Query("SELECT c.relname, c.relkind = 'v' FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v')"
                       " ORDER BY 2, 1 LIMIT $2",
                       {from, absl::StrCat(kDdlPerTransactionMax)}));
  if (relations.rows() == 0) return false;
  // Sequences of columns go with their tables.
  ASSIGN_OR_RETURN(
      const PgResult sequences,
      connection.Query("SELECT c.relname, s.relname FROM pg_catalog.pg_class s"
                       " JOIN pg_catalog.pg_depend d ON d.objid = s.oid"
                       "   AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                       "   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                       "   AND d.deptype IN ('a', 'i')"
                       " JOIN pg_catalog.pg_class c ON c.oid = d.refobjid"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE s.relkind = 'S' AND n.nspname = $1",
                       {from}));
  std::vector<std::string> statements;
  std::set<std::string> moved;
  for (int i = 0; i < relations.rows(); ++i) {
    const bool view = relations.Bool(i, 1);
    statements.push_back(absl::StrCat("ALTER ", view ? "VIEW " : "TABLE ",
                                      QuoteQualified(from, relations.Text(i, 0)), " SET SCHEMA ",
                                      QuoteIdentifier(to)));
    if (!view) moved.insert(std::string(relations.Text(i, 0)));
  }
  const auto grant_on = [&](char kind, absl::string_view name) {
    for (const std::string& grant : grants) {
      if (grant[0] != kind) continue;
      statements.push_back(
          absl::StrReplaceAll(grant.substr(1), {{"%s", QuoteQualified(to, name)}}));
    }
  };
  for (const std::string& table : moved) grant_on('T', table);
  for (int i = 0; i < sequences.rows(); ++i) {
    if (moved.contains(std::string(sequences.Text(i, 0)))) grant_on('S', sequences.Text(i, 1));
  }
  RETURN_IF_ERROR(connection.Begin());
  RETURN_IF_ERROR(connection.ExecuteAll(statements));
  LITE2PG_FAILPOINT("publish.batch.commit");
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("publish.batch.done");
  return true;
}

}  // namespace

absl::Status PublishInBatches(PgConnection& connection, const std::string& staging_schema,
                              const std::string& target_schema) {
  ASSIGN_OR_RETURN(const std::vector<std::string> grants,
                   DefaultGrants(connection, target_schema));
  bool more = true;
  while (more) {   // each batch leaves fewer
    ASSIGN_OR_RETURN(more, PublishBatch(connection, staging_schema, target_schema, grants));
  }
  return connection.Execute(
      absl::StrCat("DROP SCHEMA IF EXISTS ", QuoteIdentifier(staging_schema)));
}

absl::Status DropStaged(PgConnection& connection, const std::string& run_id,
                        const std::string& target_schema, const std::string& staging_schema) {
  const bool own_schema = !staging_schema.empty();
  ASSIGN_OR_RETURN(
      const PgResult tables,
      connection.Query("SELECT c.relname FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE c.relkind IN ('r', 'p') AND n.nspname = $1"
                       "   AND pg_catalog.starts_with(c.relname, $2)",
                       {own_schema ? staging_schema : target_schema,
                        own_schema ? std::string() : StagingPrefix(run_id)}));
  // Dropping takes locks for every object; a schema of many tables is emptied in parts.
  std::vector<std::string> names;
  for (int i = 0; i < tables.rows(); ++i) {
    names.push_back(QuoteQualified(own_schema ? staging_schema : target_schema, tables.Text(i, 0)));
    if (names.size() < kDdlPerTransactionMax && i + 1 < tables.rows()) continue;
    RETURN_IF_ERROR(connection.Execute(
        absl::StrCat("DROP TABLE ", absl::StrJoin(names, ", "), " CASCADE")));
    names.clear();
  }
  if (!own_schema) return absl::OkStatus();
  return connection.Execute(
      absl::StrCat("DROP SCHEMA IF EXISTS ", QuoteIdentifier(staging_schema), " CASCADE"));
}

void NamePublished(const Plan& plan, Report* report) {
  if (plan.staging_schema.empty()) return;
  std::vector<std::pair<std::string, std::string>> names;
  if (plan.staging_prefix.empty()) {
    // The staging schema's name is random, so that it stands for nothing else.
    const std::string target = QuoteIdentifier(plan.target_schema);
    names = {{QuoteIdentifier(plan.staging_schema), target}, {plan.staging_schema, target}};
  } else {
    for (const TablePlan& table : plan.tables) {
      if (!table.create) continue;
      names.emplace_back(QuoteIdentifier(table.load_name), QuoteIdentifier(table.target_name));
    }
    for (const PostObject& view : plan.objects) {
      if (view.kind != PostKind::kView) continue;
      names.emplace_back(QuoteIdentifier(view.load_name), QuoteIdentifier(view.name));
    }
  }
  const auto rename = [&](std::string* text) { *text = absl::StrReplaceAll(*text, names); };
  for (SequenceReport& sequence : report->sequences) rename(&sequence.name);
  for (ObjectReport& object : report->objects) {
    rename(&object.sql);
    rename(&object.reason);
  }
  for (Finding& finding : report->findings) rename(&finding.message);
}

}  // namespace lite2pg
