// Names that PostgreSQL can have, made from names that SQLite allows. No libpq.
#ifndef LITE2PG_ENGINE_POSTGRES_IDENTIFIER_H_
#define LITE2PG_ENGINE_POSTGRES_IDENTIFIER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/base/hash_tables.h"

namespace lite2pg {

// The name itself where PostgreSQL can have it. Otherwise, the same for the same input: empty
// names become "unnamed", NUL and malformed UTF-8 become _xNN_, and names of more than 63 bytes
// are cut at a character's border and end in an underscore and eight hexadecimal digits of the
// whole name's XXH3. (PostgreSQL itself would cut silently, and two names could become one.)
std::string TargetIdentifier(absl::string_view name);

// The name that PostgreSQL gives the sequence of an identity column if it is free
// (makeObjectName, src/backend/commands/indexcmds.c).
std::string IdentitySequenceName(absl::string_view table, absl::string_view column);

// `name` with ASCII letters in lower case, as SQLite compares names and as PostgreSQL reads
// unquoted ones.
std::string FoldIdentifier(absl::string_view name);

// A name that could not be kept.
struct NameChange {
  enum class Why : uint8_t { kEmpty, kEscaped, kShortened, kCollision };
  std::string source, target;
  Why why = Why::kEscaped;
};
// "was empty", "holds bytes that ...": completes a sentence about the name.
absl::string_view NameChangePhrase(NameChange::Why why);

// Gives every object of one namespace (the relations of a schema, the columns of a table) a name
// of its own, distinct from all others without regard to case: unquoted, or with --identifiers
// lower, they would be one. The result depends only on the order of the calls. One thread.
class NameTable {
 public:
  // The name is taken by somebody else.
  void Reserve(absl::string_view name) { taken_.insert(FoldIdentifier(name)); }
  bool IsTaken(absl::string_view name) const { return taken_.contains(FoldIdentifier(name)); }
  // TargetIdentifier(name), or that with a number where it is taken already.
  std::string Add(absl::string_view name);
  // What Add had to change, in the order of the calls. A name changed for two reasons is told
  // with the last.
  const std::vector<NameChange>& changes() const { return changes_; }

 private:
  StringSet taken_;
  std::vector<NameChange> changes_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_IDENTIFIER_H_
