// Runs scans of both sides at the same time, each worker of a side in a thread of its own.
#ifndef LITE2PG_ENGINE_VERIFY_SIDE_SCANS_H_
#define LITE2PG_ENGINE_VERIFY_SIDE_SCANS_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

// A piece of a table of one side.
struct ScanPiece {
  bool of_a = true;
  size_t table = 0;
  size_t part = 0;
};

// All pieces of `tables`, in their order, for either side; null sides have none.
absl::StatusOr<std::vector<ScanPiece>> PiecesOf(const std::vector<size_t>& tables, ComparedSide* a,
                                                ComparedSide* b);

// Calls `work` for some hundred tables at a time, by their numbers in order, until it fails. Scans
// of one call see one state of either side; between calls the sides may let go of it, as a server
// has no locks for ten thousand tables in one transaction.
absl::Status ForTableGroups(size_t tables, ComparedSide* a, ComparedSide* b,
                            const std::function<absl::Status(const std::vector<size_t>&)>& work);

// Calls `work` for every piece, from the threads of the piece's side. The first error ends all
// (scans under way are interrupted) and is returned, with the table's name added.
absl::Status RunPieces(const std::vector<ScanPiece>& pieces,
                       const std::vector<ComparedTable>& tables, ComparedSide* a, ComparedSide* b,
                       CancelToken& cancel,
                       const std::function<absl::Status(int worker, const ScanPiece& piece)>& work);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_SIDE_SCANS_H_
