#include "engine/sqlite/version.h"

#include <sqlite3.h>

namespace lite2pg {

std::string SqliteVersion() { return sqlite3_libversion(); }

}  // namespace lite2pg
