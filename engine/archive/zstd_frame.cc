#include "engine/archive/zstd_frame.h"

#include <zstd.h>

#include <cstdlib>

#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// zstd's own default: on one core about as fast as SQLite is read.
constexpr int kLevel = 3;
// 2^21 bytes, what that level takes for data of unknown size. Said to the library, so that another
// version of it writes nothing that kWindowLogMax refuses.
constexpr int kWindowLog = 21;
// A reader takes up to 8 MiB for it.
constexpr int kWindowLogMax = 23;
static_assert(kWindowLog <= kWindowLogMax);
// RFC 8878, 3.1.1: 0xFD2FB528, little-endian. The library would read older formats too.
constexpr absl::string_view kMagic("\x28\xB5\x2F\xFD", 4);

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Only lack of memory or a library without these parameters fails here.
void Must(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

struct FrameWriter::State {
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context{ZSTD_createCCtx()};
  std::string out;
};

FrameWriter::FrameWriter() : state_(std::make_unique<State>()) {
  ZSTD_CCtx* const context = state_->context.get();
  Must(context != nullptr);
  for (const auto& [parameter, value] :
       {std::pair(ZSTD_c_compressionLevel, kLevel), std::pair(ZSTD_c_windowLog, kWindowLog),
        std::pair(ZSTD_c_checksumFlag, 1)}) {
    Must(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
  }
  state_->out.resize(ZSTD_CStreamOutSize());
}
FrameWriter::FrameWriter(FrameWriter&&) noexcept = default;
FrameWriter& FrameWriter::operator=(FrameWriter&&) noexcept = default;
FrameWriter::~FrameWriter() = default;

absl::Status FrameWriter::Run(absl::string_view raw, bool end, const Sink& sink) {
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  size_t left = 0;
  do {
    ZSTD_outBuffer out{state_->out.data(), state_->out.size(), 0};
    left = ZSTD_compressStream2(state_->context.get(), &out, &in,
                                end ? ZSTD_e_end : ZSTD_e_continue);
    Must(ZSTD_isError(left) == 0);
    if (out.pos > 0) {
      RETURN_IF_ERROR(sink(absl::string_view(state_->out.data(), out.pos)));
    }
  } while (in.pos < in.size || (end && left > 0));
  return absl::OkStatus();
}

absl::Status FrameWriter::Append(absl::string_view raw, const Sink& sink) {
  return Run(raw, /*end=*/false, sink);
}

absl::Status FrameWriter::Finish(const Sink& sink) { return Run("", /*end=*/true, sink); }

struct FrameReader::State {
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context{ZSTD_createDCtx()};
  size_t magic_seen = 0;
  bool finished = false;
};

FrameReader::FrameReader() : state_(std::make_unique<State>()) {
  Must(state_->context != nullptr);
  Must(ZSTD_isError(ZSTD_DCtx_setParameter(state_->context.get(), ZSTD_d_windowLogMax,
                                           kWindowLogMax)) == 0);
}
FrameReader::FrameReader(FrameReader&&) noexcept = default;
FrameReader& FrameReader::operator=(FrameReader&&) noexcept = default;
FrameReader::~FrameReader() = default;

bool FrameReader::Read(absl::string_view* stored, char* raw, size_t raw_max, size_t* written) {
  *written = 0;
  if (state_->finished) return stored->empty();
  for (size_t i = 0; i < stored->size() && state_->magic_seen < kMagic.size(); ++i) {
    if ((*stored)[i] != kMagic[state_->magic_seen++]) return false;
  }
  ZSTD_inBuffer in{stored->data(), stored->size(), 0};
  ZSTD_outBuffer out{raw, raw_max, 0};
  const size_t left = ZSTD_decompressStream(state_->context.get(), &out, &in);
  if (ZSTD_isError(left) != 0) return false;
  stored->remove_prefix(in.pos);
  *written = out.pos;
  state_->finished = left == 0;
  return !state_->finished || stored->empty();
}

bool FrameReader::finished() const { return state_->finished; }

}  // namespace lite2pg
