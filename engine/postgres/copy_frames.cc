#include "engine/postgres/copy_frames.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

constexpr size_t kSignatureBytes = 11;
// Bits 16 to 31 of the flags are "critical": a reader that does not know one must give up. Bit 16
// announced OIDs, which no supported version sends.
constexpr uint32_t kCriticalFlags = 0xFFFF0000;

absl::Status StreamError(absl::string_view what) {
  return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                   absl::StrCat("the server's binary COPY stream is broken: ", what));
}

}  // namespace

size_t TupleLength(absl::string_view bytes) {
  if (bytes.size() < 2) return 0;
  const auto fields = static_cast<int16_t>(ReadBigEndian16(bytes.data()));
  if (fields < 0 || fields > kTargetColumnsMax + 64) return SIZE_MAX;
  size_t at = 2;
  for (int i = 0; i < fields; ++i) {
    if (bytes.size() < at + 4) return 0;
    const auto size = static_cast<int32_t>(ReadBigEndian32(bytes.data() + at));
    if (size < -1) return SIZE_MAX;
    at += 4 + (size > 0 ? static_cast<size_t>(size) : 0);
    if (bytes.size() < at) return 0;
  }
  return at;
}

absl::Status CopyFrames::TakeHeader(absl::string_view* bytes, bool* complete) {
  const size_t seen = std::min(bytes->size(), kSignatureBytes);
  if (bytes->substr(0, seen) != kCopyBinaryHeader.substr(0, seen)) {
    return StreamError("it does not begin with the signature PGCOPY");
  }
  if (bytes->size() < kCopyBinaryHeader.size()) return absl::OkStatus();
  const uint32_t flags = ReadBigEndian32(bytes->data() + kSignatureBytes);
  const uint32_t extension = ReadBigEndian32(bytes->data() + kSignatureBytes + 4);
  if ((flags & kCriticalFlags) != 0) return StreamError("its header has unknown critical flags");
  if (extension > kFieldBytesMax) return StreamError("its header is impossibly long");
  if (bytes->size() < kCopyBinaryHeader.size() + extension) return absl::OkStatus();
  bytes->remove_prefix(kCopyBinaryHeader.size() + extension);
  *complete = true;
  return absl::OkStatus();
}

absl::Status CopyFrames::Add(absl::string_view message,
                             const std::function<absl::Status(absl::string_view)>& on_tuple) {
  if (pending_.empty()) {
    RETURN_IF_ERROR(Take(&message, on_tuple));
    pending_.assign(message.data(), message.size());
    return absl::OkStatus();
  }
  pending_.append(message.data(), message.size());
  absl::string_view rest = pending_;
  RETURN_IF_ERROR(Take(&rest, on_tuple));
  pending_.erase(0, pending_.size() - rest.size());
  return absl::OkStatus();
}

absl::Status CopyFrames::Take(absl::string_view* bytes,
                              const std::function<absl::Status(absl::string_view)>& on_tuple) {
  if (!header_done_) {
    RETURN_IF_ERROR(TakeHeader(bytes, &header_done_));
    if (!header_done_) return absl::OkStatus();
  }
  while (!bytes->empty()) {
    if (trailer_seen_) return StreamError("there are bytes after its trailer");
    if (absl::StartsWith(*bytes, kCopyBinaryTrailer)) {
      trailer_seen_ = true;
      bytes->remove_prefix(kCopyBinaryTrailer.size());
      continue;
    }
    const size_t length = TupleLength(*bytes);
    if (length == SIZE_MAX) return StreamError("a tuple has an impossible length");
    if (length == 0) return absl::OkStatus();
    RETURN_IF_ERROR(on_tuple(bytes->substr(0, length)));
    ++tuples_;
    bytes->remove_prefix(length);
  }
  return absl::OkStatus();
}

absl::Status CopyFrames::Finish() const {
  if (!trailer_seen_ || !pending_.empty()) return StreamError("it ends without its trailer");
  return absl::OkStatus();
}

}  // namespace lite2pg
