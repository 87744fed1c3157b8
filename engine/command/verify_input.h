// What a verify compares: two sides, their tables in one order, and what is known about each before
// any row is read.
#ifndef LITE2PG_ENGINE_COMMAND_VERIFY_INPUT_H_
#define LITE2PG_ENGINE_COMMAND_VERIFY_INPUT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/paired_tables.h"
#include "engine/command/request.h"
#include "engine/plan/plan_record.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/verify/compared_side.h"
#include "engine/verify/target_side.h"

namespace lite2pg {

struct VerifiedTable {
  TableReport report;            // names, columns, and differences that no row has to show
  bool partial = false;          // rows that only B has are no difference
  uint64_t extra_allowed = 0;    // rows that B held before the run that filled it
  uint64_t changed_allowed = 0;  // rows of B that the run kept though A had others
};

// An SQLite file, or an archive whose files were checked.
struct OpenedSource {
  std::unique_ptr<ArchiveSource> archive;     // null for an SQLite file
  std::unique_ptr<SourceSnapshot> snapshot;
  SourceCatalog catalog;
};
struct OpenedTarget {
  std::optional<TargetSession> session;
  TargetFacts facts;
  std::vector<TargetTable> tables;
};

// Workers per side that the memory allows, and what is left for comparing.
struct VerifyBudget {
  int workers = 1;
  size_t compare_bytes = 0;
};
// `row_bytes_max`: of the largest row, as far as that is known before any is read.
VerifyBudget BudgetOf(const CommonOptions& common, uint64_t row_bytes_max = 0);

// Members are destroyed in the right order: what the sides read from stands before them.
struct VerifyInput {
  // Which are used depends on what is compared.
  OpenedSource source_a, source_b;            // an archive that `pairs` reads is in source_a
  std::unique_ptr<PairedTables> pairs;
  OpenedTarget target_a, target_b;
  std::vector<std::unique_ptr<TableReading>> readings;
  std::vector<std::unique_ptr<std::vector<ColumnCodec>>> codecs;
  std::optional<PgConnection> set_aside_connection;

  std::vector<ComparedTable> tables;
  std::vector<VerifiedTable> verified;   // one per table
  // One per table: of its columns, where both sides' fields are of one type of PostgreSQL's.
  std::vector<std::vector<std::optional<ColumnCodec>>> field_codecs;
  std::vector<TableReport> others;       // not compared row by row: excluded, or on one side only
  std::vector<Finding> findings;
  std::unique_ptr<ComparedSide> a, b;
  VerifyBudget budget;
  PlanRecord record;                     // of what is compared, for a certificate

  void AddTable(ComparedTable table, VerifiedTable verified);
};

// SQLite or an archive against a target, by the target's types.
absl::Status PairSourceWithTarget(const VerifyRequest& request, const Side& source,
                                  const Side& target, EventSink& events, CancelToken& cancel,
                                  VerifyInput* input, Report* report);
// Tables and columns are matched by name. Two SQLite files are compared as SQLite has the values;
// with an archive, by its types: those of `b`, if both are archives.
absl::Status MatchSources(const VerifyRequest& request, const Side& a, const Side& b,
                          EventSink& events, CancelToken& cancel, VerifyInput* input,
                          Report* report);
absl::Status MatchTargets(const VerifyRequest& request, CancelToken& cancel, VerifyInput* input,
                          Report* report);

// A table of the target as the side reads it.
TargetSideTable ReadableTable(const TargetTable& table, const std::vector<std::string>& columns,
                              const std::vector<ColumnCodec>& codecs);
// Fills `opened` with the catalog of the schema, and report->target unless `report` is null.
absl::Status OpenTarget(const TargetSpec& spec, const CommonOptions& common, CancelToken& cancel,
                        OpenedTarget* opened, Report* report);
// An SQLite file, whose last reader is left to quick_check, or an archive, whose files are checked
// first. There are as many other readers as workers of BudgetOf().
absl::Status OpenSource(const Side& side, const CommonOptions& common, EventSink& events,
                        const CancelToken& cancel, OpenedSource* opened);
void DescribeSource(const OpenedSource& source, Report* report);
// Of an archive's rows; 0 for an SQLite file, of which nothing is known before it is read.
uint64_t RowBytesMax(const OpenedSource& source);
void DescribeSource(const SourceCatalog& catalog, const SourceSnapshot& snapshot, Report* report);
// What an archive says of itself, with types, readings, rows and digests.
PlanRecord RecordOf(const ArchiveSource& archive);

// Exit code 2 when there is a condition on a table.
absl::Status RefuseConditions(const CommonOptions& common, absl::string_view why);

// A table that one side does not have.
TableReport OneSided(absl::string_view source, absl::string_view target, absl::string_view kind);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_VERIFY_INPUT_H_
