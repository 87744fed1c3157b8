// A configuration file that says what a plan decided, ready to be edited.
#ifndef LITE2PG_TOOLS_CLI_CONFIG_WRITER_H_
#define LITE2PG_TOOLS_CLI_CONFIG_WRITER_H_

#include <string>

#include "engine/report/report.h"

namespace lite2pg {

// TOML with a section for every table and column of a plan's report. What was decided stands in
// comments ("# type = ..."), so that the file as it is changes nothing and a line takes effect
// when its '#' is removed. Findings stand above the column that they are about. Names that are
// not UTF-8 cannot be written in TOML and are left out with a remark.
std::string ConfigFromPlan(const Report& plan);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_CONFIG_WRITER_H_
