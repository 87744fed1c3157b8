#include "engine/base/cancel.h"

#include <utility>

#include "engine/base/error.h"

namespace lite2pg {

CancelToken::Registration::Registration(Registration&& other) noexcept
    : token_(std::exchange(other.token_, nullptr)), id_(other.id_) {}

CancelToken::Registration& CancelToken::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    Release();
    token_ = std::exchange(other.token_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

CancelToken::Registration::~Registration() { Release(); }

void CancelToken::Registration::Release() {
  if (token_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(token_->mutex_);
  token_->callbacks_.erase(id_);
  token_ = nullptr;
}

void CancelToken::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  for (const auto& [id, callback] : callbacks_) callback();
}

absl::Status CancelToken::Check() const {
  if (!cancelled()) return absl::OkStatus();
  return MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted, "interrupted on request");
}

CancelToken::Registration CancelToken::OnCancel(std::function<void()> callback) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled()) {
    callback();
    return Registration();
  }
  const uint64_t id = next_id_++;
  callbacks_.emplace(id, std::move(callback));
  return Registration(this, id);
}

}  // namespace lite2pg
