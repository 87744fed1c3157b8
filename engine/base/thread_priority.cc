#include "engine/base/thread_priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lite2pg {
namespace {

// The least that setpriority(2) knows.
constexpr int kLowestPriority = 19;

}  // namespace

void LowerThreadPriority() {
  // On Linux a "process" of setpriority is a thread.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kLowestPriority);
}

}  // namespace lite2pg
