// How the files of a source that is made of several are called in its tables.
#ifndef LITE2PG_ENGINE_SQLITE_FILE_NAMES_H_
#define LITE2PG_ENGINE_SQLITE_FILE_NAMES_H_

#include <cstdint>

namespace lite2pg {

enum class FileNames : uint8_t {
  kStem,  // shop for tenants/shop.db
  kName,  // shop.db
  kPath,  // as it was given or found
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_FILE_NAMES_H_
