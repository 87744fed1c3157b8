// Every bound the engine enforces, with where it comes from.
#ifndef LITE2PG_ENGINE_BASE_LIMITS_H_
#define LITE2PG_ENGINE_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace lite2pg {

// PostgreSQL: MaxHeapAttributeNumber, src/include/access/htup_details.h.
inline constexpr int kTargetColumnsMax = 1600;
// PostgreSQL: NAMEDATALEN - 1, src/include/pg_config_manual.h.
inline constexpr size_t kIdentifierBytesMax = 63;
// PostgreSQL: MaxAllocSize is 1 GiB - 1 (src/include/utils/memutils.h); a CopyData row and a field
// must stay below it with their headers.
inline constexpr size_t kFieldBytesMax = (size_t{1} << 30) - 1024;

// A COPY transaction is committed after either of these; the rest of its range stays open to
// other streams.
inline constexpr size_t kChunkBytesMax = size_t{64} << 20;
inline constexpr uint64_t kChunkRowsMax = 1'000'000;

// Bytes handed to libpq in one call: large enough to amortise the call, small enough to stay in
// the cache and to keep libpq's own buffer small.
inline constexpr size_t kBatchBytes = size_t{1} << 20;
// Batches that one stream may have filled or in flight: one being read into, one being sent, one
// waiting.
inline constexpr int kBatchesPerStream = 3;

inline constexpr int kStreamsMax = 64;
inline constexpr size_t kDefaultMemoryBytes = size_t{256} << 20;

// DDL statements per transaction: with default settings the lock table is full after about 6,400
// CREATE TABLE (docs/operations.md).
inline constexpr int kDdlPerTransactionMax = 500;

// Entries of sqlite_schema that are read before a source is called hostile.
inline constexpr int kSchemaEntriesMax = 200'000;

// Attempts to open all readers on one state before giving up under a writer.
inline constexpr int kSnapshotAttemptsMax = 50;
// How long SQLite waits for a lock before SQLITE_BUSY.
inline constexpr int kBusyTimeoutMs = 10'000;

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_LIMITS_H_
