// Checks that need more than one option, or a look at the file system, before anything begins.
#ifndef LITE2PG_TOOLS_CLI_VALIDATION_H_
#define LITE2PG_TOOLS_CLI_VALIDATION_H_

#include "tools/cli/command_line.h"

namespace lite2pg {

// Appends what it finds to invocation->problems. Changes nothing on disk.
void Validate(Invocation* invocation);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_VALIDATION_H_
