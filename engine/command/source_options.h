// How a command opens the SQLite file that it reads.
#ifndef LITE2PG_ENGINE_COMMAND_SOURCE_OPTIONS_H_
#define LITE2PG_ENGINE_COMMAND_SOURCE_OPTIONS_H_

#include <algorithm>

#include "engine/plan/memory_share.h"
#include "engine/plan/options.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

inline SqliteOpenOptions SourceOptions(const CommonOptions& common) {
  SqliteOpenOptions options;
  options.reader = common.reader;
  options.private_copy_dir = common.private_copy_dir;
  options.wal_growth_bytes_max = common.wal_growth_bytes_max;
  // One less than SQLite's own limit where a ceiling was named: see LibraryRowSource::Open.
  if (!MayBeRaised(common.memory_bytes)) {
    options.record_bytes_max =
        std::min(RowBytesMax(common.memory_bytes), options.record_bytes_max - 1);
  }
  return options;
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SOURCE_OPTIONS_H_
