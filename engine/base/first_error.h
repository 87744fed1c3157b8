// The first error of many threads wins; all look at stopped() and end.
#ifndef LITE2PG_ENGINE_BASE_FIRST_ERROR_H_
#define LITE2PG_ENGINE_BASE_FIRST_ERROR_H_

#include <atomic>
#include <mutex>

#include "absl/status/status.h"

namespace lite2pg {

// Any thread.
class FirstError {
 public:
  void Set(const absl::Status& status) {
    if (status.ok()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (status_.ok()) status_ = status;
    stopped_.store(true, std::memory_order_release);
  }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  absl::Status status() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  absl::Status status_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_FIRST_ERROR_H_
