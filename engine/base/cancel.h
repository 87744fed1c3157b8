// The wish to stop, seen by every thread of a command.
#ifndef LITE2PG_ENGINE_BASE_CANCEL_H_
#define LITE2PG_ENGINE_BASE_CANCEL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "absl/status/status.h"

namespace lite2pg {

// Not copyable, not movable; must outlive its registrations. All members: any thread, but not a
// signal handler (callbacks may allocate and lock). Once cancelled, for ever cancelled.
class CancelToken {
 public:
  // Keeps a callback registered for as long as it lives. Its destructor waits for the callback
  // when that is running on another thread, so what the callback refers to may be destroyed after.
  // Never destroy one from inside a callback of the same token.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class CancelToken;
    Registration(CancelToken* token, uint64_t id) : token_(token), id_(id) {}
    void Release();
    CancelToken* token_ = nullptr;
    uint64_t id_ = 0;
  };

  CancelToken() = default;
  CancelToken(const CancelToken&) = delete;
  CancelToken& operator=(const CancelToken&) = delete;

  // Sets the flag and runs every registered callback, once, on this thread. Later calls do nothing.
  void Cancel();

  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Address of the flag, for code that polls it without knowing this class.
  const std::atomic<bool>* flag() const { return &cancelled_; }

  // OK, or kInterrupted with exit code 10.
  absl::Status Check() const;

  // Runs `callback` on Cancel(), or at once when that has already happened. Callbacks must be
  // short and must not wait for the thread that destroys their registration.
  [[nodiscard]] Registration OnCancel(std::function<void()> callback);

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;  // held while callbacks run: that is what ~Registration waits for
  std::map<uint64_t, std::function<void()>> callbacks_;
  uint64_t next_id_ = 1;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_CANCEL_H_
