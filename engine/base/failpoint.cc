#include "engine/base/failpoint.h"

#ifdef LITE2PG_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

// In the order in which a run reaches them. tests/e2e/failpoint_test.py reads this list.
constexpr absl::string_view kFailpoints[] = {
    "inspect.locked",
    "resume.take_over.before",
    "resume.take_over.after",
    "resume.taken_back",
    "resume.forgotten",
    "plan.done",
    "pre_data.ledger_created",
    "pre_data.run_recorded",
    "pre_data.before_sql",
    "pre_data.before_sql.done",
    "pre_data.ddl.before",
    "pre_data.ddl.commit",
    "pre_data.ddl.done",
    "pre_data.merge_table.before",
    "pre_data.merge_table.done",
    "pre_data.set_aside.recorded",
    "pre_data.set_aside.object",
    "pre_data.set_aside.commit",
    "pre_data.set_aside.done",
    "pre_data.done",
    "resume.chunk_checked",
    "resume.reload.before",
    "resume.reload.commit",
    "resume.reload.done",
    "data.connected",
    "share.begin",
    "share.take.before",
    "share.taken",
    "share.done.before",
    "share.round.done",
    "data.begin.before",
    "data.begin.done",
    "data.copy.before",
    "data.copy.begun",
    "data.flush.before",
    "data.flush.done",
    "data.copy_done.before",
    "data.copy_done.done",
    "data.rejects.before",
    "data.rejects.done",
    "data.commit.before",
    "data.commit.reply_lost",
    "data.committed",
    "data.loaded",
    "data.fill.before",
    "data.fill.commit",
    "data.fill.done",
    "post_data.begin",
    "post_data.orphans.before",
    "post_data.orphans.commit",
    "post_data.orphans.done",
    "post_data.object.before",
    "post_data.object.made",
    "post_data.object.commit",
    "post_data.object.done",
    "post_data.analyze.before",
    "post_data.built",
    "post_data.restore.before",
    "post_data.restore.commit",
    "post_data.restore.done",
    "post_data.merge.begun",
    "post_data.merge.merged",
    "post_data.merge.restored",
    "sequences.before",
    "sequences.set",
    "sequences.done",
    "verify.begin",
    "verify.read_back",
    "verify.done",
    "publish.begin",
    "publish.claims_given_up",
    "publish.moved",
    "publish.recorded",
    "publish.reply_lost",
    "publish.committed",
    "publish.run_done",
    "publish.after_sql.done",
    "report.begin",
    // Of an export; archive_resume_test.py reads those.
    "export.directory_made",
    "export.manifest_removed",
    "export.journal_created",
    "export.others_removed",
    "export.schema_written",
    "export.chunk.created",
    "export.chunk.appended",
    "export.chunk.written",
    "export.file.synced",
    "export.file.renamed",
    "export.chunk.named",
    "export.journal.written",
    "export.table.ended",
    "export.data.done",
    "export.verified",
    "export.manifest.before",
    "export.manifest.written",
    "export.journal.removed",
};

// What stands in for a cause that a test cannot make at every place.
struct Failure {
  absl::string_view action;
  ErrorCode code;
  ExitCode exit_code;
};
constexpr Failure kFailures[] = {
    {"error", ErrorCode::kDefect, ExitCode::kDefect},
    {"eio", ErrorCode::kSourceUnreadable, ExitCode::kSource},
    {"enospc", ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource},
};

// Of a sync (tests/e2e/sync_test.py), and of --publish batched (tests/e2e/publish_test.py).
constexpr absl::string_view kOtherFailpoints[] = {
    "publish.batched.begun", "publish.batch.commit", "publish.batch.done",
    "publish.batched.done",
    // Of a run that is one transaction (tests/e2e/one_transaction_test.py).
    "together.begun", "together.table.done", "together.commit", "together.reply_lost",
    "sync.begun", "sync.put_beside", "sync.applied", "sync.verified", "sync.commit",
    "sync.committed",
};

struct Armed {
  std::string name;
  uint64_t at = 0;  // 0: nothing is armed
  bool always = false;
  const Failure* failure = nullptr;  // nullptr: kill
  std::atomic<uint64_t> hits{0};
};

[[noreturn]] void Misused(const char* text) {
  std::fprintf(stderr, "LITE2PG_FAILPOINT or LITE2PG_TEST_LIMITS: %s\n", text);
  std::abort();
}

Armed* ReadEnvironment() {
  auto* armed = new Armed;  // lives as long as the process
  const char* const text = std::getenv("LITE2PG_FAILPOINT");
  if (text == nullptr || *text == '\0') return armed;
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 3 || parts.size() > 4 || !absl::SimpleAtoi(parts[1], &armed->at) ||
      armed->at == 0 || (parts.size() == 4 && parts[3] != "always")) {
    Misused("expected NAME:N:ACTION or NAME:N:ACTION:always");
  }
  armed->name = parts[0];
  armed->always = parts.size() == 4;
  for (const Failure& failure : kFailures) {
    if (failure.action == parts[2]) armed->failure = &failure;
  }
  if (armed->failure == nullptr && parts[2] != "kill") {
    Misused("an action is kill, error, eio or enospc");
  }
  return armed;
}

// For enumerating what a kind of run reaches, and how often.
void LogHit(absl::string_view name) {
  static const char* const path = std::getenv("LITE2PG_FAILPOINT_LOG");
  if (path == nullptr) return;
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string line = absl::StrCat(name, "\n");
  if (file < 0 || write(file, line.data(), line.size()) < 0) Misused("the log cannot be written");
  close(file);
}

bool IsKnown(absl::string_view name) {
  const auto has = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  return has(kFailpoints) || has(kOtherFailpoints);
}

}  // namespace

bool HasFailpoints() { return true; }

absl::Status HitFailpoint(absl::string_view name) {
  static Armed* const armed = ReadEnvironment();
  LogHit(name);
  if (armed->at == 0) return absl::OkStatus();
  if (!IsKnown(name) || !IsKnown(armed->name)) Misused("there is no failpoint of that name");
  if (name != armed->name) return absl::OkStatus();
  const uint64_t hit = armed->hits.fetch_add(1) + 1;
  if (hit < armed->at || (hit > armed->at && !armed->always)) return absl::OkStatus();
  if (armed->failure == nullptr) {
    kill(getpid(), SIGKILL);
    pause();  // SIGKILL is delivered at the latest here
  }
  return MakeError(armed->failure->code, armed->failure->exit_code,
                   absl::StrCat("a test has made this step fail: ", armed->name));
}

uint64_t LimitForTests(absl::string_view name, uint64_t otherwise) {
  const char* const text = std::getenv("LITE2PG_TEST_LIMITS");
  if (text == nullptr) return otherwise;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::vector<std::string> pair = absl::StrSplit(part, '=');
    uint64_t value = 0;
    if (pair.size() != 2 || !absl::SimpleAtoi(pair[1], &value) || value == 0) {
      Misused("expected NAME=VALUE,...");
    }
    if (pair[0] == name) return value;
  }
  return otherwise;
}

}  // namespace lite2pg

#else

namespace lite2pg {

bool HasFailpoints() { return false; }
absl::Status HitFailpoint(absl::string_view) { return absl::OkStatus(); }
uint64_t LimitForTests(absl::string_view, uint64_t otherwise) { return otherwise; }

}  // namespace lite2pg

#endif
