// The files of an archive besides its data: the schema as SQL, for people, and the manifest.
#ifndef LITE2PG_ENGINE_COMMAND_EXPORT_FILES_H_
#define LITE2PG_ENGINE_COMMAND_EXPORT_FILES_H_

#include <string>
#include <vector>

#include "engine/archive/manifest.h"
#include "engine/pipeline/export_run.h"
#include "engine/plan/plan.h"
#include "engine/report/report.h"
#include "engine/sqlite/catalog.h"

namespace lite2pg {

// What psql runs before and after the data files are loaded: tables; then keys, indexes,
// constraints, views and sequences, each with the fallbacks that copy has. No comment is in them,
// and no name outside of quotes: a name cannot become a statement or a command of psql.
std::string PreDataSql(const Plan& plan);
std::string PostDataSql(const Plan& plan);

// Everything that is known before the data is written; schema files and chunks are missing.
ArchiveManifest PlannedManifest(const Plan& plan, const SourceCatalog& catalog,
                                const CommonOptions& options, bool compress,
                                const Report::Source& source);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_EXPORT_FILES_H_
