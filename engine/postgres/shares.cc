#include "engine/postgres/shares.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// A member is gone when none of its sessions is there: those of a process that was killed end as
// soon as the server notices. Who has only just registered has no session of that name yet. One
// that stands still, or is on a machine that has vanished, is given half a minute.
constexpr absl::string_view kGoneSql =
    "(m.seen_at < pg_catalog.clock_timestamp() - interval '30 s' OR "
    "(m.seen_at < pg_catalog.clock_timestamp() - interval '3 s' AND NOT EXISTS ("
    "SELECT FROM pg_catalog.pg_stat_activity a WHERE a.application_name = "
    "'lite2pg ' || m.run_id || ' m' || m.member)))";

}  // namespace

std::vector<PgParam> RunShares::WithRun(std::vector<PgParam> more) const {
  more.insert(more.begin(), {ledger_.run_id(), absl::StrCat(ledger_.epoch())});
  return more;
}

absl::StatusOr<int64_t> RunShares::Register(PgConnection& connection,
                                            const LedgerLocation& location,
                                            const std::string& run_id, int64_t epoch,
                                            const std::string& content, const std::string& host) {
  ASSIGN_OR_RETURN(
      const PgResult row,
      connection.Query(absl::StrCat("INSERT INTO ", location.Table("member"),
                                    " (run_id, epoch, state, content, host) "
                                    "VALUES ($1, $2, 'waiting', $3, $4) RETURNING member"),
                       {run_id, absl::StrCat(epoch), content, EncodeLedgerText(host)}));
  return row.Int(0, 0);
}

absl::Status RunShares::Give(PgConnection& connection, const Share& share) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", Table("share"),
                   " (run_id, epoch, table_name, key_range, weight, giver)"
                   " VALUES ($1, $2::bigint, $3, $4, $5::bigint, $6::bigint)"),
      WithRun({EncodeLedgerText(share.table), EncodeLedgerText(share.key_range),
               absl::StrCat(share.weight_bytes), absl::StrCat(ledger_.member())}));
}

absl::StatusOr<std::optional<Share>> RunShares::Take(PgConnection& connection) const {
  // Two that look at once get different ones, and neither waits.
  ASSIGN_OR_RETURN(
      const PgResult row,
      connection.Query(
          absl::StrCat("UPDATE ", Table("share"), " SET state = 'taken', member = $3::bigint"
                       " WHERE run_id = $1 AND id = (SELECT s.id FROM ", Table("share"),
                       " s WHERE s.run_id = $1 AND s.epoch = $2::bigint AND s.state = 'open'"
                       " ORDER BY s.weight DESC, s.id LIMIT 1 FOR UPDATE SKIP LOCKED)"
                       " RETURNING table_name, key_range, weight"),
          WithRun({absl::StrCat(ledger_.member())})));
  if (row.rows() == 0) return std::optional<Share>();
  Share share;
  share.table = DecodeLedgerText(row.Text(0, 0));
  share.key_range = DecodeLedgerText(row.Text(0, 1));
  share.weight_bytes = static_cast<uint64_t>(row.Int(0, 2));
  return std::optional<Share>(std::move(share));
}

absl::Status RunShares::MarkDone(PgConnection& connection) const {
  return connection.Execute(
      absl::StrCat("UPDATE ", Table("share"),
                   " SET state = 'done' WHERE run_id = $1 AND epoch = $2::bigint"
                   " AND member = $3::bigint AND state = 'taken'"),
      WithRun({absl::StrCat(ledger_.member())}));
}

absl::StatusOr<RunView> RunShares::Report(PgConnection& connection, bool hungry) const {
  const std::string member = absl::StrCat(ledger_.member());
  ASSIGN_OR_RETURN(
      const std::vector<PgResult> rows,
      connection.QueryAll(
          {{absl::StrCat("UPDATE ", Table("member"),
                         " SET seen_at = pg_catalog.clock_timestamp(), hungry = $4::boolean"
                         " WHERE run_id = $1 AND epoch = $2::bigint AND member = $3::bigint"
                         " RETURNING state"),
            WithRun({member, hungry ? "true" : "false"})},
           {absl::StrCat("SELECT r.epoch = $2::bigint, r.state = 'active' AND r.stage = 'data',"
                         " (SELECT pg_catalog.count(*) FROM ", Table("share"),
                         " s WHERE s.run_id = $1 AND s.epoch = $2::bigint AND s.state = 'open'),"
                         " (SELECT pg_catalog.count(*) FROM ", Table("member"),
                         " m WHERE m.run_id = $1 AND m.epoch = $2::bigint AND m.hungry"
                         " AND m.state = 'active' AND m.member <> $3::bigint)"
                         " FROM ", Table("run"), " r WHERE r.run_id = $1"),
            WithRun({member})}}));
  RunView view;
  view.state = rows[0].rows() == 0 ? "dead" : std::string(rows[0].Text(0, 0));
  if (rows[1].rows() == 0) return view;
  view.same_epoch = rows[1].Bool(0, 0);
  view.loading = rows[1].Bool(0, 1);
  view.open_shares = static_cast<int>(rows[1].Int(0, 2));
  view.hungry_members = static_cast<int>(rows[1].Int(0, 3));
  return view;
}

absl::Status RunShares::Leave(PgConnection& connection) const {
  return SetState(connection, ledger_.member(), "left");
}

absl::StatusOr<std::vector<Member>> RunShares::ReadMembers(PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat("SELECT m.member, m.state, m.content, m.host, m.hungry, ",
                                    kGoneSql, " FROM ", Table("member"),
                                    " m WHERE m.run_id = $1 AND m.epoch = $2::bigint"
                                    " AND m.member > 0 ORDER BY m.member"),
                       WithRun({})));
  std::vector<Member> members;
  for (int i = 0; i < rows.rows(); ++i) {
    members.push_back({rows.Int(i, 0), std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2)),
                       DecodeLedgerText(rows.Text(i, 3)), rows.Bool(i, 4), rows.Bool(i, 5)});
  }
  return members;
}

absl::Status RunShares::SetState(PgConnection& connection, int64_t member,
                                 absl::string_view state) const {
  return connection.Execute(absl::StrCat("UPDATE ", Table("member"),
                                         " SET state = $4, hungry = false WHERE run_id = $1"
                                         " AND epoch = $2::bigint AND member = $3::bigint"),
                            WithRun({absl::StrCat(member), std::string(state)}));
}

absl::Status RunShares::SetHungry(PgConnection& connection, bool hungry) const {
  return connection.Execute(
      absl::StrCat("INSERT INTO ", Table("member"),
                   " (run_id, epoch, member, state, content, hungry, host)"
                   " VALUES ($1, $2::bigint, 0, 'active', '', $3::boolean, '')"
                   " ON CONFLICT (run_id, member) DO UPDATE SET epoch = excluded.epoch,"
                   " state = excluded.state, hungry = excluded.hungry"),
      WithRun({hungry ? "true" : "false"}));
}

absl::Status RunShares::Fence(PgConnection& connection, int64_t member) const {
  RETURN_IF_ERROR(
      TerminateBackends(connection, RunApplicationName(ledger_.run_id(), member), 0));
  // Raising the fence waits for chunks that are open, and those that begin later see the state.
  return connection
      .QueryAll({{absl::StrCat("UPDATE ", Table("member"),
                               " SET fence = fence + 1, state = 'dead', hungry = false"
                               " WHERE run_id = $1 AND epoch = $2::bigint AND member = $3::bigint"),
                  WithRun({absl::StrCat(member)})},
                 {absl::StrCat("UPDATE ", Table("share"),
                               " SET state = 'lost' WHERE run_id = $1 AND epoch = $2::bigint"
                               " AND member = $3::bigint AND state = 'taken'"),
                  WithRun({absl::StrCat(member)})}})
      .status();
}

absl::StatusOr<ShareCounts> RunShares::Count(PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult row,
      connection.Query(
          absl::StrCat("SELECT pg_catalog.count(*) FILTER (WHERE s.state = 'open'),"
                       " pg_catalog.count(*) FILTER (WHERE s.state = 'taken' AND m.member > 0)"
                       ", (SELECT COALESCE(pg_catalog.sum(c.rows), 0) FROM ", Table("chunk"),
                       " c WHERE c.run_id = $1 AND c.epoch = $2::bigint AND c.chunk >= ",
                       kMemberChunks, ") FROM ", Table("share"), " s LEFT JOIN ", Table("member"),
                       " m ON m.run_id = s.run_id AND m.member = s.member AND m.state = 'active'"
                       " AND m.epoch = s.epoch WHERE s.run_id = $1 AND s.epoch = $2::bigint"),
          WithRun({})));
  ShareCounts counts;
  counts.open = static_cast<int>(row.Int(0, 0));
  counts.taken = static_cast<int>(row.Int(0, 1));
  counts.rows_of_others = static_cast<uint64_t>(row.Int(0, 2));
  return counts;
}

absl::StatusOr<std::vector<ChunkRecord>> RunShares::ReadChunksOfOthers(
    PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat("SELECT c.table_name, c.chunk, c.rows, c.bytes, c.digest,"
                                    " COALESCE(k.counts, '') FROM ",
                                    Table("chunk"), " c LEFT JOIN ", Table("chunk_counts"),
                                    " k ON k.run_id = c.run_id AND k.chunk = c.chunk"
                                    " WHERE c.run_id = $1 AND c.epoch = $2::bigint"
                                    " AND c.chunk >= ",
                                    kMemberChunks),
                       WithRun({})));
  std::vector<ChunkRecord> chunks;
  for (int i = 0; i < rows.rows(); ++i) {
    ChunkRecord chunk;
    chunk.table = DecodeLedgerText(rows.Text(i, 0));
    chunk.chunk = rows.Int(i, 1);
    chunk.rows = static_cast<uint64_t>(rows.Int(i, 2));
    chunk.bytes = static_cast<uint64_t>(rows.Int(i, 3));
    if (!Digest::FromHex(rows.Text(i, 4), &chunk.digest)) {
      return MakeError(ErrorCode::kTargetStatement, ExitCode::kCannotResume,
                       absl::StrCat("the ledger's digest of chunk ", chunk.chunk, " is damaged"));
    }
    chunk.digest.rows = chunk.rows;
    chunk.counts = std::string(rows.Text(i, 5));
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

absl::StatusOr<std::vector<RejectCount>> RunShares::CountRejectsOfOthers(
    PgConnection& connection) const {
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(absl::StrCat("SELECT r.table_name, pg_catalog.count(*) FROM ",
                                    Table("reject"), " r WHERE r.run_id = $1 AND EXISTS (SELECT"
                                    " FROM ", Table("chunk"), " c WHERE c.run_id = r.run_id"
                                    " AND c.chunk = r.chunk AND c.epoch = $2::bigint"
                                    " AND c.chunk >= ",
                                    kMemberChunks, ") GROUP BY 1"),
                       WithRun({})));
  std::vector<RejectCount> counts;
  for (int i = 0; i < rows.rows(); ++i) {
    counts.push_back({DecodeLedgerText(rows.Text(i, 0)), static_cast<uint64_t>(rows.Int(i, 1))});
  }
  return counts;
}

absl::Status RunShares::Clear(PgConnection& connection) const {
  return connection.Execute(
      absl::StrCat("DELETE FROM ", Table("share"),
                   " WHERE run_id = $1 AND epoch = $2::bigint AND state <> 'taken'"),
      WithRun({}));
}

}  // namespace lite2pg
