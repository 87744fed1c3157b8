// Turns rows of source values into binary COPY tuples and adds them to a digest.
#ifndef LITE2PG_COERCION_ROW_ENCODER_H_
#define LITE2PG_COERCION_ROW_ENCODER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "coercion/digest.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// How many values of each storage class a column has shown.
using ClassCounts = std::array<uint64_t, kStorageClassCount>;

struct RowOutcome {
  Outcome outcome = Outcome::kOk;
  int column = -1;  // index of the offending column; -1 when kOk
};

// One per worker and table; one thread at a time. The codecs must outlive it.
class RowEncoder {
 public:
  explicit RowEncoder(std::span<const ColumnCodec> codecs);

  // Appends one tuple (int16 field count, then fields) to `out` and adds it to digest() and
  // counts(). On any other outcome `out`, digest and counts are as before the call.
  // REQUIRES: values.size() == codecs.size().
  RowOutcome Encode(std::span<const SourceValue> values, FieldBuffer* out);

  const Digest& digest() const { return digest_; }
  std::span<const ClassCounts> counts() const { return counts_; }
  void Reset();

 private:
  std::span<const ColumnCodec> codecs_;
  std::vector<ClassCounts> counts_;
  Digest digest_;
  FieldBuffer canonical_;   // used only when some column has a canonical form
  bool any_canonical_ = false;
};

// Adds a tuple as the server sent it (int16 count and fields, as one CopyData message carries) to
// `digest`, through the same canonical forms. False if the bytes are not a tuple of these columns.
// `scratch` is reused between calls.
bool AddTupleToDigest(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                      FieldBuffer* scratch, Digest* digest);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_ROW_ENCODER_H_
