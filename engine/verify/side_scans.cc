#include "engine/verify/side_scans.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/first_error.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// Tables that are read in one transaction, which keeps locks on all of them and their indexes: a
// server with its default settings has room for about 6,400 locks.
constexpr uint64_t kTablesPerState = 500;

}  // namespace

absl::Status ForTableGroups(size_t tables, ComparedSide* a, ComparedSide* b,
                            const std::function<absl::Status(const std::vector<size_t>&)>& work) {
  const size_t per_state = LimitForTests("tables_per_snapshot", kTablesPerState);
  for (size_t first = 0; first < tables; first += per_state) {
    for (ComparedSide* side : {a, b}) {
      if (first > 0 && side != nullptr) RETURN_IF_ERROR(side->NextTables());
    }
    std::vector<size_t> group;
    for (size_t i = first; i < std::min(first + per_state, tables); ++i) group.push_back(i);
    RETURN_IF_ERROR(work(group));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ScanPiece>> PiecesOf(const std::vector<size_t>& tables, ComparedSide* a,
                                                ComparedSide* b) {
  std::vector<ScanPiece> pieces;
  for (ComparedSide* side : {a, b}) {
    if (side == nullptr) continue;
    for (const size_t table : tables) {
      ASSIGN_OR_RETURN(const size_t parts, side->Parts(table));
      for (size_t part = 0; part < parts; ++part) pieces.push_back({side == a, table, part});
    }
  }
  return pieces;
}

absl::Status RunPieces(
    const std::vector<ScanPiece>& pieces, const std::vector<ComparedTable>& tables,
    ComparedSide* a, ComparedSide* b, CancelToken& cancel,
    const std::function<absl::Status(int worker, const ScanPiece& piece)>& work) {
  FirstError error;
  const auto interrupt = [&] {
    if (a != nullptr) a->Interrupt();
    if (b != nullptr) b->Interrupt();
  };
  std::vector<const ScanPiece*> of_a, of_b;
  for (const ScanPiece& piece : pieces) (piece.of_a ? of_a : of_b).push_back(&piece);
  std::atomic<size_t> next_a{0}, next_b{0};
  const auto run = [&](int worker, const std::vector<const ScanPiece*>& mine,
                       std::atomic<size_t>& next) {
    while (!error.stopped()) {
      const size_t index = next.fetch_add(1);
      if (index >= mine.size()) return;
      const absl::Status status = work(worker, *mine[index]);
      if (status.ok()) continue;
      ErrorInfo where;
      where.table = tables[mine[index]->table].name;
      // Only the first one has something to say; the others are its interruption.
      if (!error.stopped()) {
        error.Set(WithContext(status, where));
        interrupt();
      }
    }
  };
  {
    const CancelToken::Registration on_cancel = cancel.OnCancel([&] {
      error.Set(cancel.Check());
      interrupt();
    });
    std::vector<std::jthread> threads;
    const auto start = [&](ComparedSide* side, const std::vector<const ScanPiece*>& mine,
                           std::atomic<size_t>& next) {
      if (side == nullptr) return;
      const int wanted = std::min<int>(side->workers(), static_cast<int>(mine.size()));
      for (int i = 0; i < wanted; ++i) {
        threads.emplace_back([&run, &mine, &next, i] { run(i, mine, next); });
      }
    };
    start(a, of_a, next_a);
    start(b, of_b, next_b);
    for (std::jthread& thread : threads) thread.join();
  }
  return error.status();
}

}  // namespace lite2pg
