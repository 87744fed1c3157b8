// Rows that refer to a row that is set aside, which have to go with it.
#ifndef LITE2PG_ENGINE_COMMAND_REJECTED_PARENTS_H_
#define LITE2PG_ENGINE_COMMAND_REJECTED_PARENTS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/command/late_rejects.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/rejects.h"

namespace lite2pg {

// Knows the rows of each table that are set aside, and finds those that refer to them in the tables
// that were loaded: by the values of their keys, as the referring column holds them. One thread.
class RejectedParents {
 public:
  explicit RejectedParents(const Plan& plan) : plan_(plan), gone_(plan.tables.size()) {}

  // A row that was set aside while it was read from the source. Those of other tables than the
  // plan's are passed over.
  void Add(const RejectRecord& reject);
  // A row that was set aside later; `tuple` as LateRejects::Add takes it.
  void Add(size_t table, absl::string_view tuple);

  struct Options {
    int child = -1;              // only this table; -1: all
    bool counted = true;         // as LateRejects::Add takes it
    // After a rollback that put rows back into the loaded tables: takes those children that were
    // found before it, without looking for their parents once more.
    bool found_before = false;
  };
  // Deletes such rows, and those that refer to them, until none is left, in the open transaction;
  // adds each to `late` with a reason that names its parent. `rows` counts them by table. Keys
  // whose columns cannot be compared are passed over.
  absl::Status DeleteChildren(PgConnection& connection, const Options& options, LateRejects* late,
                              std::map<int, uint64_t>* rows, const CancelToken& cancel);

 private:
  struct Gone {
    std::vector<OwnedCell> cells;  // of the source, or
    std::string tuple;             // of the target
  };
  // A key as literals, and as its texts.
  struct Key {
    std::string values_sql, texts;
  };

  bool KeyOf(const ForeignKeyLink& link, const Gone& gone, Key* key) const;
  absl::StatusOr<uint64_t> DeleteFor(PgConnection& connection, size_t link_index,
                                     const std::vector<Key>& keys, const Options& options,
                                     LateRejects* late);
  absl::StatusOr<uint64_t> DeleteByLink(PgConnection& connection, size_t link_index,
                                        const Options& options, LateRejects* late,
                                        const CancelToken& cancel);

  const Plan& plan_;
  std::vector<std::vector<Gone>> gone_;  // by table
  std::map<size_t, std::set<std::string>> found_;  // by link: keys of children that were deleted
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REJECTED_PARENTS_H_
