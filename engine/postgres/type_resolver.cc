#include "engine/postgres/type_resolver.h"

#include <libpq-fe.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/base/status_macros.h"
#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

// A true array is what its element calls its array type; int2vector and oidvector have elements
// too, and are not.
constexpr absl::string_view kTypesSql =
    "WITH RECURSIVE closure(oid) AS ("
    "SELECT pg_catalog.unnest($1::oid[]) UNION "
    "SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END "
    "FROM closure c JOIN pg_catalog.pg_type t ON t.oid = c.oid "
    "WHERE t.typtype = 'd' OR EXISTS (SELECT FROM pg_catalog.pg_type e "
    "WHERE e.oid = t.typelem AND e.typarray = t.oid)) "
    "SELECT t.oid, t.typname, t.typtype, EXISTS (SELECT FROM pg_catalog.pg_type e "
    "WHERE e.oid = t.typelem AND e.typarray = t.oid), t.typnotnull, "
    "t.typreceive::oid <> 0 AND t.typsend::oid <> 0, t.typbasetype, t.typtypmod, "
    "CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END, "
    "t.typelem FROM closure c JOIN pg_catalog.pg_type t ON t.oid = c.oid";

constexpr absl::string_view kLabelsSql =
    "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = ANY($1::oid[]) "
    "ORDER BY enumtypid, enumsortorder";

// Deeper than this no schema nests domains and arrays; it bounds the recursion.
constexpr int kNestingMax = 64;

std::string OidArray(const std::vector<Oid>& oids) {
  std::vector<std::string> texts;
  for (const Oid oid : oids) texts.push_back(absl::StrCat(oid));
  return FormatArray(texts);
}

}  // namespace

absl::Status TypeResolver::Read(PgConnection& connection, const std::vector<Oid>& oids) {
  ASSIGN_OR_RETURN(const PgResult types, connection.Query(kTypesSql, {OidArray(oids)}));
  std::vector<Oid> enums;
  for (int i = 0; i < types.rows(); ++i) {
    const auto oid = static_cast<Oid>(types.Int(i, 0));
    Row row;
    row.name = std::string(types.Text(i, 1));
    row.typtype = types.Text(i, 2)[0];
    row.is_array = types.Bool(i, 3);
    row.not_null = types.Bool(i, 4);
    row.has_binary = types.Bool(i, 5);
    if (row.typtype == 'd') {
      row.base = static_cast<Oid>(types.Int(i, 6));
      row.base_typmod = static_cast<int32_t>(types.Int(i, 7));
      row.base_sql_name = std::string(types.Text(i, 8));
    }
    if (row.is_array) row.element = static_cast<Oid>(types.Int(i, 9));
    if (row.typtype == 'e') enums.push_back(oid);
    rows_[oid] = std::move(row);
  }
  if (enums.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const PgResult labels, connection.Query(kLabelsSql, {OidArray(enums)}));
  for (int i = 0; i < labels.rows(); ++i) {
    rows_[static_cast<Oid>(labels.Int(i, 0))].labels.emplace_back(labels.Text(i, 1));
  }
  return absl::OkStatus();
}

PgType TypeResolver::Resolve(Oid oid, int32_t typmod, absl::string_view sql_name) const {
  PgType type;
  type.oid = oid;
  type.typmod = typmod;
  type.sql_name = std::string(sql_name);
  const auto it = rows_.find(oid);
  if (it == rows_.end()) {
    type.kind = TypeKind::kOther;
    type.has_binary_receive = false;
    return type;
  }
  const Row& row = it->second;
  type.type_name = row.name;
  type.has_binary_receive = row.has_binary;
  if (row.is_array) {
    // varchar(10)[] keeps the 10 in the array's own typmod.
    type.kind = TypeKind::kArray;
    type.element = std::make_shared<const PgType>(
        Resolve(row.element, typmod, absl::StripSuffix(sql_name, "[]")));
    type.has_binary_receive = row.has_binary && type.element->has_binary_receive;
    return type;
  }
  switch (row.typtype) {
    case 'b':
      type.kind = TypeKind::kBase;
      break;
    case 'e':
      type.kind = TypeKind::kEnum;
      type.enum_labels = row.labels;
      break;
    case 'd': {
      // Domains over domains: the base is the first that is none, with the typmod set for it.
      type.kind = TypeKind::kDomain;
      const Row* level = &row;
      for (int depth = 0; depth < kNestingMax; ++depth) {
        const auto below = rows_.find(level->base);
        if (below == rows_.end() || below->second.typtype != 'd') break;
        level = &below->second;
      }
      type.base = std::make_shared<const PgType>(
          Resolve(level->base, level->base_typmod, level->base_sql_name));
      type.has_binary_receive = row.has_binary && type.base->has_binary_receive;
      break;
    }
    default:
      type.kind = TypeKind::kOther;  // composite, range, multirange, pseudo
  }
  return type;
}

bool TypeResolver::IsNotNull(Oid oid) const {
  for (int depth = 0; depth < kNestingMax; ++depth) {
    const auto it = rows_.find(oid);
    if (it == rows_.end() || it->second.typtype != 'd') return false;
    if (it->second.not_null) return true;
    oid = it->second.base;
  }
  return false;
}

absl::StatusOr<PgType> ReadNamedType(PgConnection& connection, const std::string& words,
                                     const std::string& schema) {
  for (const std::string& name :
       {words, absl::StrCat(QuoteIdentifier(schema), ".", words), absl::StrCat("public.", words)}) {
    // It reads the whole text as one type's name, so that nothing else can be in it.
    const absl::StatusOr<PgResult> found =
        connection.Query("SELECT pg_catalog.to_regtype($1)::pg_catalog.oid", {name});
    if (!found.ok()) {
      if (!connection.alive() || InfoOf(found.status()).sqlstate.empty()) return found.status();
      continue;
    }
    if (found->IsNull(0, 0)) continue;
    const auto oid = static_cast<Oid>(found->Int(0, 0));
    ASSIGN_OR_RETURN(const PgResult value, connection.Query(absl::StrCat("SELECT NULL::", name)));
    const int32_t typmod = PQfmod(value.raw(), 0);
    ASSIGN_OR_RETURN(const PgResult formatted,
                     connection.Query("SELECT pg_catalog.format_type($1, $2)",
                                      {absl::StrCat(oid), absl::StrCat(typmod)}));
    TypeResolver resolver;
    RETURN_IF_ERROR(resolver.Read(connection, {oid}));
    return resolver.Resolve(oid, typmod, formatted.Text(0, 0));
  }
  return MakeError(ErrorCode::kConfig, ExitCode::kUsage,
                   absl::StrCat("unknown PostgreSQL type '", EscapeForMessage(words), "'"),
                   "write it as SQL does, for example bigint, numeric(10,2) or app.pair");
}

}  // namespace lite2pg
