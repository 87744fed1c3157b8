#include "engine/pipeline/range_exchange.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/exception_status.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_range.h"

namespace lite2pg {
namespace {

// Pauses between two looks: while nobody has joined, and while somebody has.
constexpr int kAlonePauseMs = 400;
constexpr int kSharedPauseMs = 100;
// How long a lost connection, or a leader that is gone, is waited for.
constexpr int kPatienceMs = 60'000;

}  // namespace

bool IsShareable(const TablePlan& table) {
  // Rows of a table without a key cannot be named, those of the application's own tables are taken
  // back by the process that loads them, and the others are read once more by the leader.
  return (table.create || table.merge) && table.reading.key_kind != KeyKind::kNone &&
         !table.is_text_copy() && table.fills.empty();
}

RangeExchange::RangeExchange(const Plan& plan, RangePool& pool, const Ledger& ledger,
                             SharedWork& work, Callbacks callbacks)
    : plan_(plan),
      pool_(pool),
      ledger_(ledger),
      work_(work),
      callbacks_(std::move(callbacks)),
      shares_(ledger),
      holding_(ledger.member() > 0) {
  thread_ = std::thread([this] { Run(); });
}

RangeExchange::~RangeExchange() {
  Stop();
  thread_.join();
}

void RangeExchange::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  const std::lock_guard<std::mutex> lock(connection_mutex_);
  if (connection_.has_value()) connection_->Cancel();
}

// False when it is to end.
bool RangeExchange::Wait(int milliseconds) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                         [this] { return stopped_; });
}

void RangeExchange::Run() {
  int failing_ms = 0;
  while (!finished_ && Wait(holding_ ? kSharedPauseMs : kAlonePauseMs)) {
    if (pool_.closed()) break;
    absl::Status status;
    try {
      status = Tick();
    } catch (const std::exception&) {
      status = StatusOfException("sharing work");
    }
    if (status.ok()) {
      failing_ms = 0;
      continue;
    }
    // Whatever was under way is either in the ledger or will be found missing there; see shares.h.
    const bool lost = !connection_.has_value() || !connection_->alive();
    failing_ms += kSharedPauseMs;
    if (lost && (!holding_ || failing_ms < kPatienceMs)) continue;
    // Alone, one can do without.
    if (holding_) callbacks_.failed(status);
    break;
  }
  ReleaseAll();
}

void RangeExchange::ReleaseAll() {
  if (!holding_) return;
  holding_ = false;
  pool_.Release();
}

absl::Status RangeExchange::Tick() {
  if (!connection_.has_value() || !connection_->alive()) {
    ASSIGN_OR_RETURN(PgConnection connection, callbacks_.connect());
    const std::lock_guard<std::mutex> lock(connection_mutex_);
    connection_ = std::move(connection);
  }
  return ledger_.member() == 0 ? LeaderTick() : MemberTick();
}

// ---- The process that leads the run -------------------------------------------------------------

absl::Status RangeExchange::LeaderTick() {
  ASSIGN_OR_RETURN(std::vector<Member> members, shares_.ReadMembers(*connection_));
  std::erase_if(members, [](const Member& m) { return m.state == "dead" || m.state == "refused"; });
  if (!holding_) {
    if (members.empty()) return absl::OkStatus();
    if (!pool_.Hold()) {
      finished_ = true;  // they have come too late
      return absl::OkStatus();
    }
    holding_ = true;
  }
  RETURN_IF_ERROR(AdmitAndFence(members));
  ASSIGN_OR_RETURN(ShareCounts counts, shares_.Count(*connection_));
  if (counts.rows_of_others > rows_of_others_) {
    callbacks_.loaded_by_others(counts.rows_of_others - rows_of_others_);
    rows_of_others_ = counts.rows_of_others;
  }
  if (pool_.Starves() && counts.open > 0) {
    ASSIGN_OR_RETURN(const bool taken, TakeBack());
    if (taken) return absl::OkStatus();
  }
  if (pool_.Starves() != reported_hungry_) {
    reported_hungry_ = !reported_hungry_;
    RETURN_IF_ERROR(shares_.SetHungry(*connection_, reported_hungry_));
  }
  int hungry = 0;
  for (const Member& member : members) {
    if (member.state == "active" && member.hungry && !member.gone) ++hungry;
  }
  RETURN_IF_ERROR(GiveTo(hungry - counts.open));
  // Open ranges come only from those who have some; so when nobody has, none will come.
  if (pool_.Idle() && counts.open == 0 && counts.taken == 0) {
    ASSIGN_OR_RETURN(counts, shares_.Count(*connection_));
    finished_ = counts.open == 0 && counts.taken == 0 && pool_.Idle();
  }
  return absl::OkStatus();
}

absl::Status RangeExchange::AdmitAndFence(const std::vector<Member>& members) {
  for (const Member& member : members) {
    const std::string name =
        absl::StrCat("process ", member.member, " on ", EscapeForMessage(member.host));
    if (member.state == "left" || member.gone) {
      RETURN_IF_ERROR(shares_.Fence(*connection_, member.member));
      callbacks_.note(absl::StrCat(name, " is gone; what it had not loaded is loaded by others"));
      continue;
    }
    if (member.state != "waiting") continue;
    ASSIGN_OR_RETURN(const bool same, SameContent(member));
    RETURN_IF_ERROR(shares_.SetState(*connection_, member.member, same ? "active" : "refused"));
    callbacks_.note(same ? absl::StrCat(name, " has joined the run")
                         : absl::StrCat(name, " was refused: its source has other content"));
    if (!same) continue;
    work_.had_members = true;
    work_.hosts.insert(member.host);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RangeExchange::SameContent(const Member& member) {
  if (!content_.has_value()) {
    ASSIGN_OR_RETURN(content_, work_.content());
  }
  return member.content == *content_;
}

// ---- One that has joined it -------------------------------------------------------------------

absl::Status RangeExchange::MemberTick() {
  const bool starves = pool_.Starves();
  ASSIGN_OR_RETURN(const RunView view, shares_.Report(*connection_, starves));
  if (!view.same_epoch || view.state != "active") {
    finished_ = true;
    callbacks_.failed(MakeError(
        ErrorCode::kFencedOff, ExitCode::kCannotResume,
        view.same_epoch ? "this process was taken for dead, and others do its work"
                        : "the run has been taken over by a newer epoch"));
    return absl::OkStatus();
  }
  // In this order: what is idle has made all its chunks.
  const bool quiet = pool_.Idle() && callbacks_.all_committed();
  if (!view.loading && quiet) {
    finished_ = true;
    return absl::OkStatus();
  }
  if (starves && view.open_shares > 0) {
    ASSIGN_OR_RETURN(const bool taken, TakeBack());
    if (taken) return absl::OkStatus();
  }
  RETURN_IF_ERROR(GiveTo(view.hungry_members - view.open_shares));
  if (!quiet) return absl::OkStatus();
  LITE2PG_FAILPOINT("share.done.before");
  RETURN_IF_ERROR(shares_.MarkDone(*connection_));
  return CheckLeader();
}

// Without a leader nobody gives work or ends the run.
absl::Status RangeExchange::CheckLeader() {
  ASSIGN_OR_RETURN(const bool there, work_.leader_is_there(*connection_));
  leader_gone_ms_ = there ? 0 : leader_gone_ms_ + kSharedPauseMs;
  if (leader_gone_ms_ < kPatienceMs) return absl::OkStatus();
  finished_ = true;
  callbacks_.failed(MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted,
                              "the process that led the run is gone",
                              "go on with it there by --resume, and join again"));
  return absl::OkStatus();
}

// ---- Both -------------------------------------------------------------------------------------

absl::Status RangeExchange::GiveTo(int wanted) {
  wanted = std::max(wanted, 0);
  const auto may_go = [this](const WorkRange& work) {
    return !work.huge && IsShareable(plan_.tables[static_cast<size_t>(work.table)]);
  };
  for (; wanted > 0; --wanted) {
    WorkRange range;
    if (!pool_.TakeForOthers(may_go, &range)) break;
    const TablePlan& table = plan_.tables[static_cast<size_t>(range.table)];
    Share share;
    share.table = table.source->name;
    share.key_range = EncodeKeyRange(table.reading, range.range);
    share.weight_bytes = range.weight_bytes;
    // Not put back when this fails: it may be in the ledger all the same.
    RETURN_IF_ERROR(shares_.Give(*connection_, share));
  }
  // Lanes cut what they have when the queue has nothing for others.
  pool_.WantForOthers(wanted);
  return absl::OkStatus();
}

// True when there was one.
absl::StatusOr<bool> RangeExchange::TakeBack() {
  LITE2PG_FAILPOINT("share.take.before");
  ASSIGN_OR_RETURN(const std::optional<Share> share, shares_.Take(*connection_));
  if (!share.has_value()) return false;
  LITE2PG_FAILPOINT("share.taken");
  const auto table = std::find_if(
      plan_.tables.begin(), plan_.tables.end(),
      [&](const TablePlan& candidate) { return candidate.source->name == share->table; });
  if (table == plan_.tables.end()) {
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("the ledger offers a part of a table that the plan does not "
                                  "have: ",
                                  EscapeName(share->table)));
  }
  WorkRange work;
  work.table = static_cast<int>(table - plan_.tables.begin());
  ASSIGN_OR_RETURN(work.range, DecodeKeyRange(share->key_range));
  work.weight_bytes = share->weight_bytes;
  pool_.Offer(std::move(work));
  return true;
}

}  // namespace lite2pg
