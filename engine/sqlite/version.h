// Which SQLite the program runs with.
#ifndef LITE2PG_ENGINE_SQLITE_VERSION_H_
#define LITE2PG_ENGINE_SQLITE_VERSION_H_

#include <string>

namespace lite2pg {

std::string SqliteVersion();  // "3.40.1"; any thread

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_VERSION_H_
