// What options do with their values: one function for each that is more than a word.
#ifndef LITE2PG_TOOLS_CLI_OPTION_APPLY_H_
#define LITE2PG_TOOLS_CLI_OPTION_APPLY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/cli/settings.h"

namespace lite2pg {

// Each is an ApplyFn (option_table.h), or what the table makes one of.
absl::Status NotEmpty(absl::string_view value, std::string* out);
absl::Status ApplyStreams(absl::string_view value, Settings* s);
absl::Status ApplyMemory(absl::string_view value, Settings* s);
absl::Status ApplyMaxWalGrowth(absl::string_view value, Settings* s);
absl::Status ApplyPrivateCopy(absl::string_view value, Settings* s);
absl::Status ApplyGlob(absl::string_view value, std::vector<std::string>* globs);
absl::Status ApplyFill(absl::string_view value, Settings* s);
absl::Status ApplyWhere(absl::string_view value, Settings* s);
absl::Status ApplyEmptyAsNull(absl::string_view value, Settings* s);
absl::Status ApplyOrder(absl::string_view value, Settings* s);
absl::Status ApplyExec(absl::string_view value, Settings* s);
absl::Status ApplyExecTimeout(absl::string_view value, Settings* s);
absl::Status ApplyExpect(absl::string_view value, Settings* s);
absl::Status ApplyRejects(absl::string_view value, Settings* s);
absl::Status ApplyReport(absl::string_view value, Settings* s);
absl::Status ApplyMaxDifferences(absl::string_view value, Settings* s);
absl::Status ApplySample(absl::string_view value, Settings* s);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_OPTION_APPLY_H_
