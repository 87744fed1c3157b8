// A PostgreSQL database as a side of a comparison: every worker is a connection, all in one
// snapshot, reading by binary COPY. Tables that were read stay locked until NextTables().
#ifndef LITE2PG_ENGINE_VERIFY_TARGET_SIDE_H_
#define LITE2PG_ENGINE_VERIFY_TARGET_SIDE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/postgres/connection.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

struct TargetSideTable {
  std::string from;                    // quoted, qualified
  std::vector<std::string> columns;    // unquoted, in the order of comparison
  std::vector<ColumnCodec> codecs;     // of the columns' types
  // Columns compared by their text instead of their bytes, because the other side has another type
  // there. Empty: none.
  std::vector<bool> as_text;
  std::vector<bool> show_quoted;       // text-like: shown in quotes. One per column.
  int64_t pages = 0;                   // of 8 KiB; many: cut into pieces by position
  bool cut_by_position = true;         // ordinary tables have a ctid
  std::string key_column;              // an integer with a unique index, unquoted; "": none
};

class TargetSide final : public ComparedSide {
 public:
  // Opens the connections and the snapshot that they share.
  static absl::StatusOr<std::unique_ptr<TargetSide>> Open(const PgConnectOptions& connect,
                                                          int workers,
                                                          std::vector<TargetSideTable> tables);

  // Reads by `connection` alone, within its transaction; it outlives the side.
  static std::unique_ptr<TargetSide> Within(PgConnection& connection,
                                            std::vector<TargetSideTable> tables);

  int workers() const override {
    return borrowed_ != nullptr ? 1 : static_cast<int>(connections_.size());
  }
  absl::StatusOr<size_t> Parts(size_t table) override;
  absl::Status Scan(int worker, size_t table, size_t part, const RowCallback& on_row) override;
  // Of tables with a key_column, these two.
  absl::Status ScanKeys(int worker, size_t table, std::span<const int64_t> keys,
                        const RowCallback& on_row) override;
  absl::Status ScanInterval(int worker, size_t table, const KeyInterval& interval,
                            const RowCallback& on_row) override;
  absl::StatusOr<uint64_t> Count(int worker, size_t table) override;
  absl::Status NextTables() override;
  void Interrupt() override;

  // The first connection, in the snapshot; for the caller while no scan is running.
  PgConnection& connection() { return At(0); }

 private:
  explicit TargetSide(std::vector<TargetSideTable> tables) : tables_(std::move(tables)) {}
  std::string SelectOf(size_t table) const;
  std::string QueryOf(size_t table, size_t part) const;
  absl::Status ScanQuery(int worker, size_t table, const std::string& query,
                         const RowCallback& on_row);
  PgConnection& At(int worker) {
    return borrowed_ != nullptr ? *borrowed_ : connections_[static_cast<size_t>(worker)];
  }

  std::vector<TargetSideTable> tables_;
  PgConnection* borrowed_ = nullptr;
  std::vector<PgConnection> connections_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_TARGET_SIDE_H_
