// A compressed data file: exactly one Zstandard frame (RFC 8878) with its checksum, without a
// dictionary, and with a window that a reader can afford. The only place that knows libzstd.
#ifndef LITE2PG_ENGINE_ARCHIVE_ZSTD_FRAME_H_
#define LITE2PG_ENGINE_ARCHIVE_ZSTD_FRAME_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// Compresses one file. Move-only; one thread.
class FrameWriter {
 public:
  using Sink = std::function<absl::Status(absl::string_view bytes)>;

  FrameWriter();
  FrameWriter(FrameWriter&&) noexcept;
  FrameWriter& operator=(FrameWriter&&) noexcept;
  ~FrameWriter();

  // Gives `sink` what is ready. Errors are those of `sink`.
  absl::Status Append(absl::string_view raw, const Sink& sink);
  absl::Status Finish(const Sink& sink);

 private:
  struct State;
  absl::Status Run(absl::string_view raw, bool end, const Sink& sink);

  std::unique_ptr<State> state_;
};

// Takes one file apart. Move-only; one thread. Memory is bounded by the window, whatever a frame
// claims.
class FrameReader {
 public:
  FrameReader();
  FrameReader(FrameReader&&) noexcept;
  FrameReader& operator=(FrameReader&&) noexcept;
  ~FrameReader();

  // Takes some of `*stored` away and puts what it stands for at `raw`; `*written` may be 0 although
  // there is more to come. False for what is no part of such a frame, bytes after it included.
  bool Read(absl::string_view* stored, char* raw, size_t raw_max, size_t* written);
  // The frame has ended as it should.
  bool finished() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_ZSTD_FRAME_H_
