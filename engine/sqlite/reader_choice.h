// How SQLite tables are read.
#ifndef LITE2PG_ENGINE_SQLITE_READER_CHOICE_H_
#define LITE2PG_ENGINE_SQLITE_READER_CHOICE_H_

#include <cstdint>

namespace lite2pg {

enum class ReaderChoice : uint8_t {
  kAuto,     // from the pages where that is provably the same, otherwise through the library
  kLibrary,
  kPages,    // a table that cannot be read from its pages is refused
  kBoth,     // both at once, every value compared
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_READER_CHOICE_H_
