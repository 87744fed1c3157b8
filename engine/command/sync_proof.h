// What the tables of the target hold at the end of a sync, read within its transaction.
//
// Where rows have a unique key, three things together say that: every row version that the
// transaction has written, whoever made it write (PostgreSQL stamps it on them: xmin); that no row
// that is to go is there any more; and the number of rows. Row versions never change, nobody else
// could write since all of them were read for the comparison (the tables were locked before), a key
// that was written again has no older row beside it, and so a row that had gone, or stayed, against
// what is known would show in the count. Everywhere else, and wherever those three do not come to
// what is expected, the whole table is read.
#ifndef LITE2PG_ENGINE_COMMAND_SYNC_PROOF_H_
#define LITE2PG_ENGINE_COMMAND_SYNC_PROOF_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/digest.h"
#include "engine/command/paired_tables.h"
#include "engine/command/sync_tables.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

// One thread at a time; references outlive it.
class SyncProof {
 public:
  SyncProof(PgConnection& writer, const PairedTables& pairs,
            const std::vector<ComparedTable>& compared, SyncTables& tables);

  // A row of the target that is to go, or that another one is to replace. The table has so many
  // `partitions`.
  void Replaces(size_t table, size_t partitions, const ComparedRow& row);
  // Nothing of the table is replaced after all.
  void Leave(size_t table) { replaced_[table] = {}; }

  // The digests of the table's partitions as they are now. `before`: as they were when the sides
  // were compared.
  absl::StatusOr<std::vector<Digest>> Read(size_t table, const std::vector<Digest>& before,
                                           const Digest& expected) const;

 private:
  // Whether row versions of the table carry the transaction that made them.
  absl::StatusOr<bool> IsHeap(size_t table) const;
  absl::StatusOr<bool> IsAsExpected(size_t table, const std::vector<Digest>& parts,
                                    const Digest& expected) const;
  // Adds the rows of the table that `where` selects, "" being all.
  absl::Status AddRows(size_t table, absl::string_view where, std::vector<Digest>* parts) const;

  PgConnection& writer_;
  const PairedTables& pairs_;
  const std::vector<ComparedTable>& compared_;
  SyncTables& tables_;
  std::vector<std::vector<Digest>> replaced_;   // by partition; empty: none
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SYNC_PROOF_H_
