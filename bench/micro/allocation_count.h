// Counts the allocations of the program that includes it: operator new is replaced. Included by one
// source file of a benchmark program, the one that measures.
#ifndef LITE2PG_BENCH_MICRO_ALLOCATION_COUNT_H_
#define LITE2PG_BENCH_MICRO_ALLOCATION_COUNT_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace lite2pg {

inline std::atomic<uint64_t> allocation_count{0};

// Allocations so far, by any thread.
inline uint64_t AllocationCount() { return allocation_count.load(std::memory_order_relaxed); }

}  // namespace lite2pg

// g++ takes free() for a mismatch of the new that it has inlined, though both are ours.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(size_t size) {
  lite2pg::allocation_count.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

#endif  // LITE2PG_BENCH_MICRO_ALLOCATION_COUNT_H_
