// copy --only-rejects FILE: rows that an earlier run set aside, mended by the user, into the tables
// of that run.
#ifndef LITE2PG_ENGINE_COMMAND_MENDED_REJECTS_H_
#define LITE2PG_ENGINE_COMMAND_MENDED_REJECTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/command/request.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"

namespace lite2pg {

// The rows of such a file, each with the number that it has in the ledger's table `reject`. They
// are loaded by an ordinary copy of the file into existing tables, in one transaction, which also
// takes them out of that table: so no row can be loaded twice. Rows that the user deleted from the
// file stay set aside. One thread; removes its temporary files when destroyed.
class MendedRejects {
 public:
  // Reads request.only_rejects: an .sqlite file, or .ndjson, both as --rejects writes them. Errors:
  // kConfig (2) for a file that is neither, and for rows that were never set aside; those of the
  // source.
  static absl::StatusOr<std::unique_ptr<MendedRejects>> Open(const CopyRequest& request);
  ~MendedRejects();

  // What to copy instead of the request's source.
  const CopyRequest& request() const { return request_; }

  // kNothingToResume (11) unless every row of the file is still set aside for this target schema.
  absl::Status Check(PgConnection& connection, const LedgerLocation& location) const;

  // In the transaction that publishes `plan`: takes the rows out of `reject`, and holds the rows of
  // source, target and table `reject` against each other. Errors as Check.
  absl::Status Take(PgConnection& connection, const LedgerLocation& location, const Plan& plan,
                    std::vector<Finding>* findings) const;

 private:
  struct Table {
    std::vector<int64_t> ids;
    uint64_t rows_source = 0;  // of the earlier run's source
  };

  absl::Status Convert();
  absl::Status ReadFile();
  absl::Status ReadTable(class SqliteConnection& file, const struct SourceTable& table,
                         const std::string& reasons);
  absl::Status CountSource();
  void KeepConfigurationOf(const struct SourceCatalog& catalog);
  std::vector<std::string> AllIds() const;

  CopyRequest request_;
  std::string source_;               // of the earlier run
  std::string temporary_dir_;        // "" unless made
  std::map<std::string, Table> tables_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_MENDED_REJECTS_H_
