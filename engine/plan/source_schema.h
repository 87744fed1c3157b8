// The source's own declarations, as revert needs them to make the same SQLite file again.
#ifndef LITE2PG_ENGINE_PLAN_SOURCE_SCHEMA_H_
#define LITE2PG_ENGINE_PLAN_SOURCE_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

enum class DeclarationKind : uint8_t { kTable, kIndex, kView, kTrigger };

// A row of sqlite_schema. The text is the source's: it goes into a new SQLite file, never to
// PostgreSQL.
struct SourceDeclaration {
  DeclarationKind kind = DeclarationKind::kTable;
  std::string name;
  std::string table;     // of indexes and triggers
  std::string sql;
};

struct SourceSequence {
  std::string table;
  int64_t value = 0;     // sqlite_sequence.seq
};

// Plain values.
struct SourceSchema {
  std::string encoding = "UTF-8";
  int64_t page_size = 4096, auto_vacuum = 0, user_version = 0, application_id = 0;
  std::vector<SourceDeclaration> declarations;   // tables first, triggers last
  std::vector<SourceSequence> sequences;
};

// Without virtual tables, what belongs to them, and SQLite's own tables.
SourceSchema MakeSourceSchema(const SourceCatalog& catalog);

// ASCII JSON; bytes that are no text are kept.
std::string SourceSchemaToJson(const SourceSchema& schema);
// kInvalidArgument for what is not one.
absl::StatusOr<SourceSchema> SourceSchemaFromJson(absl::string_view json);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_SOURCE_SCHEMA_H_
