#include "engine/pipeline/copy_together.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/pipeline/reject_budget.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

void Emit(Event::Kind kind, const TablePlan& table, EventSink& events) {
  Event event;
  event.kind = kind;
  event.stage = Stage::kData;
  event.table = table.source->name;
  events.Emit(event);
}

}  // namespace

absl::StatusOr<std::vector<LoadedTable>> CopyTogether(const Plan& plan, SourceSnapshot& snapshot,
                                                      const Ledger& ledger,
                                                      const LoadPolicy& policy,
                                                      PgConnection& connection, EventSink& events,
                                                      CancelToken& cancel) {
  std::atomic<bool> stop{false};
  const CancelToken::Registration on_cancel = cancel.OnCancel([&] {
    stop.store(true);
    connection.Cancel();
  });
  const RejectBudget budget(policy, plan);
  const std::unique_ptr<RowSource> source = snapshot.NewRowSource(0);
  std::vector<LoadedTable> loaded(plan.tables.size());
  for (const int index : plan.existing.load_order) {
    const TablePlan& table = plan.tables[static_cast<size_t>(index)];
    const Clock::time_point begun = Clock::now();
    Emit(Event::Kind::kTableBegin, table, events);
    events.timeline.Begin(0, table.source->name, "", table.rows);
    ChunkLoader::Options options;
    options.whole_table = true;
    options.stop = &stop;
    options.on_sent = [&](uint64_t rows, uint64_t bytes) { events.Moved(0, rows, bytes); };
    ChunkPosition all;
    all.rows = table.rows;
    absl::StatusOr<LoadedChunk> chunk =
        ChunkLoader(connection, ledger, budget, table, static_cast<size_t>(index), *source, options)
            .Load(all, 0);
    events.timeline.End(0);
    RETURN_IF_ERROR(cancel.Check());
    if (!chunk.ok()) {
      ErrorInfo where;
      where.table = table.source->name;
      return WithContext(chunk.status(), where);
    }
    LoadedTable& result = loaded[static_cast<size_t>(index)];
    result.digest = chunk->digest;
    result.bytes = chunk->bytes;
    result.counts = std::move(chunk->counts);
    result.reader = source->used();
    if (chunk->digest.rows > 0) result.streams.insert(0);
    result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    ++events.counters.tables_done;
    Emit(Event::Kind::kTableEnd, table, events);
    LITE2PG_FAILPOINT("together.table.done");
  }
  return loaded;
}

}  // namespace lite2pg
