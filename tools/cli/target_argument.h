// What the arguments SOURCE, TARGET, A and B stand for.
#ifndef LITE2PG_TOOLS_CLI_TARGET_ARGUMENT_H_
#define LITE2PG_TOOLS_CLI_TARGET_ARGUMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cli/settings.h"

namespace lite2pg {

// A TARGET that was given: a URI, a conninfo, or pgdata:DIR. Errors are a sentence that never
// quotes what may hold a password.
absl::StatusOr<TargetSpec> ParseTarget(absl::string_view argument);

// No TARGET was given: the embedded cluster beside `source`, unless the environment names a server.
absl::StatusOr<TargetSpec> DefaultTarget(const std::string& source, const Environment& environment);

// One of the things that verify compares: an SQLite file, an archive (a directory), or a target.
absl::StatusOr<Side> ParseSide(const std::string& argument);

// "shop.db" -> "shop.pgdata", "file:/a/b.sqlite?x=y" -> "/a/b.pgdata". "" when there is no file.
std::string ClusterBeside(const std::string& source);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_TARGET_ARGUMENT_H_
