// Work that shall not slow down anything else.
#ifndef LITE2PG_ENGINE_BASE_THREAD_PRIORITY_H_
#define LITE2PG_ENGINE_BASE_THREAD_PRIORITY_H_

namespace lite2pg {

// From now on the calling thread yields to all threads of usual priority on the machine, the
// server's included. Never fails: where the system does not let us, the thread stays as it was.
void LowerThreadPriority();

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_THREAD_PRIORITY_H_
