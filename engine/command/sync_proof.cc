#include "engine/command/sync_proof.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/plan/partition_record.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/dialects/dialect.h"
#include "engine/verify/row_hash.h"

namespace lite2pg {
namespace {

// Row versions of this transaction and of those within it, whose numbers are later. Numbers come
// round after 2^31, when a very old row looks like one of them; then everything is read.
constexpr absl::string_view kWrittenHere = " WHERE pg_catalog.age(xmin) <= 0";

}  // namespace

SyncProof::SyncProof(PgConnection& writer, const PairedTables& pairs,
                     const std::vector<ComparedTable>& compared, SyncTables& tables)
    : writer_(writer),
      pairs_(pairs),
      compared_(compared),
      tables_(tables),
      replaced_(pairs.plan.tables.size()) {}

void SyncProof::Replaces(size_t table, size_t partitions, const ComparedRow& row) {
  std::vector<Digest>& replaced = replaced_[table];
  if (replaced.empty()) replaced.resize(partitions);
  const RowHash hash = RowHasher(compared_[table]).Hash(row.fields);
  replaced[PartitionOf(hash, partitions)].Add(DigestOf(hash));
}

absl::StatusOr<std::vector<Digest>> SyncProof::Read(size_t table,
                                                    const std::vector<Digest>& before,
                                                    const Digest& expected) const {
  ASSIGN_OR_RETURN(const bool is_heap, IsHeap(table));
  if (is_heap && pairs_.pairs[table].key_is_unique) {
    std::vector<Digest> parts = before;
    for (size_t i = 0; i < replaced_[table].size(); ++i) parts[i].Subtract(replaced_[table][i]);
    RETURN_IF_ERROR(AddRows(table, kWrittenHere, &parts));
    ASSIGN_OR_RETURN(const bool is, IsAsExpected(table, parts, expected));
    if (is) return parts;
  }
  std::vector<Digest> parts(before.size());
  RETURN_IF_ERROR(AddRows(table, "", &parts));
  return parts;
}

absl::StatusOr<bool> SyncProof::IsHeap(size_t table) const {
  const TargetTable& target = pairs_.plan.tables[table].target;
  if (target.kind != 'r' || !DialectNamed(pairs_.facts.dialect).tuple_positions) return false;
  ASSIGN_OR_RETURN(const PgResult heap,
                   writer_.Query("SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON "
                                 "a.oid = c.relam WHERE c.oid = $1 AND a.amname = 'heap'",
                                 {absl::StrCat(target.oid)}));
  return heap.rows() == 1;
}

absl::StatusOr<bool> SyncProof::IsAsExpected(size_t table, const std::vector<Digest>& parts,
                                             const Digest& expected) const {
  if (SumOf(parts) != expected) return false;
  ASSIGN_OR_RETURN(const SyncRows rows, tables_.CountRows(table));
  return rows.all == expected.rows && rows.of_gone_keys == 0;
}

// Through the transaction itself, which alone sees what it has written.
absl::Status SyncProof::AddRows(size_t table, absl::string_view where,
                                std::vector<Digest>* parts) const {
  const TablePlan& plan = pairs_.plan.tables[table];
  std::vector<std::string> columns;
  for (const std::string& name : plan.TargetColumns()) columns.push_back(QuoteIdentifier(name));
  RowHasher hasher(compared_[table]);
  FieldBuffer scratch;
  return CopyOut(writer_,
                 absl::StrCat("SELECT ", absl::StrJoin(columns, ", "), " FROM ",
                              QuoteQualified(plan.target.schema, plan.target.name), where),
                 [&](absl::string_view tuple) -> absl::Status {
                   absl::string_view fields;
                   if (!CanonicalFields(tuple, plan.codecs, &scratch, &fields)) {
                     return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                                      "the server returned a row that is not in the form of its "
                                      "types");
                   }
                   const RowHash hash = hasher.Hash(fields);
                   (*parts)[PartitionOf(hash, parts->size())].Add(DigestOf(hash));
                   return absl::OkStatus();
                 })
      .status();
}

}  // namespace lite2pg
