// Tables and columns that the configuration names by a pattern.
#ifndef LITE2PG_ENGINE_PLAN_CONFIG_PATTERNS_H_
#define LITE2PG_ENGINE_PLAN_CONFIG_PATTERNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/plan/options.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// `options` with every [table."a*"] and [table."t".column."*_at"] replaced by one entry for each
// table and column of `catalog` that it matches (as --include matches). What is said of a name
// itself goes before what a pattern says, and earlier patterns before later ones. A name that
// exists in the source is never a pattern, whatever it looks like. Names that are neither, in
// `options` or in `order`, are kConfig with all of them and the nearest ones that exist.
absl::StatusOr<CommonOptions> ExpandPatterns(const CommonOptions& options,
                                             const std::vector<std::string>& order,
                                             const SourceCatalog& catalog);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_CONFIG_PATTERNS_H_
