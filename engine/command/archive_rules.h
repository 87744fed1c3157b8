// The readings of a column as a manifest has them: names and values of the configuration.
#ifndef LITE2PG_ENGINE_COMMAND_ARCHIVE_RULES_H_
#define LITE2PG_ENGINE_COMMAND_ARCHIVE_RULES_H_

#include <string>
#include <utility>
#include <vector>

#include "coercion/type_codec.h"

namespace lite2pg {

using NamedRules = std::vector<std::pair<std::string, std::string>>;

// Only what differs from the default.
NamedRules NameRules(const ReadingRules& rules);
// The inverse. False for a name or a value that nobody knows.
bool ParseNamedRules(const NamedRules& named, ReadingRules* rules);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ARCHIVE_RULES_H_
