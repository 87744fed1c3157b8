// Turns rows of source values into binary COPY tuples and adds them to a digest.
#ifndef LITE2PG_COERCION_ROW_ENCODER_H_
#define LITE2PG_COERCION_ROW_ENCODER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "coercion/digest.h"
#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

// How many values of each storage class a column has shown.
using ClassCounts = std::array<uint64_t, kStorageClassCount>;

// What a column has shown, and what the user's rules made of it (indexed by RuleUse).
struct ColumnCounts {
  ClassCounts classes{};
  std::array<uint64_t, kRuleUseCount> rules{};

  void Add(const ColumnCounts& other);
};

// How rows travel. Text where a column's values are for the server's own input function.
enum class CopyFormat : uint8_t { kBinary, kText };

// The longest tuple, with its field count and lengths, and the longest line. The server forms a row
// in one piece of memory of at most 1 GiB - 1, as it takes it and as it gives it (MaxAllocSize, see
// wire.h); each value may stand there up to eight bytes later than on the wire, for its alignment.
constexpr size_t RowBytesOnWireMax(size_t columns) { return kWireFieldBytesMax - 8 * columns; }

struct RowOutcome {
  Outcome outcome = Outcome::kOk;
  int column = -1;  // index of the offending column, the longest of a row too large; -1 when kOk
};

// One per worker and table; one thread at a time. The codecs must outlive it.
class RowEncoder {
 public:
  explicit RowEncoder(std::span<const ColumnCodec> codecs,
                      CopyFormat format = CopyFormat::kBinary);
  // With a limit of its own for the bytes of a row, for tests.
  RowEncoder(std::span<const ColumnCodec> codecs, CopyFormat format, size_t row_bytes_max);

  // Appends one tuple (int16 field count, then fields), or one line of text COPY, to `out` and adds
  // the row to digest() and counts(); the digest is the tuple's either way. On any other outcome
  // `out`, digest and counts are as before the call.
  // REQUIRES: values.size() == codecs.size().
  RowOutcome Encode(std::span<const SourceValue> values, FieldBuffer* out);

  const Digest& digest() const { return digest_; }
  std::span<const ColumnCounts> counts() const { return counts_; }
  void Reset();

 private:
  // Append the tuple, the second with canonical_ made beside it.
  RowOutcome EncodeTuple(std::span<const SourceValue> values, FieldBuffer* out);
  RowOutcome EncodeCanonically(std::span<const SourceValue> values, FieldBuffer* out);
  static RowOutcome TooLarge(std::span<const SourceValue> values);
  void Count(std::span<const SourceValue> values);

  std::span<const ColumnCodec> codecs_;
  const CopyFormat format_;
  const size_t row_bytes_max_;
  std::vector<ColumnCounts> counts_;
  std::vector<size_t> ruled_;  // columns with rules of the user's
  FieldBuffer tuple_;          // used only for text
  Digest digest_;
  // Used only when some column has a canonical form:
  FieldBuffer canonical_;   // of the row
  std::vector<EncodeCanonicalFn> text_canonical_;  // by column: what makes TEXT in both forms
  bool any_canonical_ = false;
};

// Appends the line of text COPY (PostgreSQL documentation, "COPY, Text Format") for a tuple: fields
// as their codecs print them, with backslash, tab, newline and carriage return escaped. False if
// the bytes are not a tuple of these columns; `out` is then as before.
bool AppendTextRow(absl::string_view tuple, std::span<const ColumnCodec> codecs, FieldBuffer* out);

// A tuple as the server sent it (int16 count and fields, as one CopyData message carries) in
// canonical form. False if the bytes are not a tuple of these columns. The result lives in `tuple`
// or in `scratch`, which is reused between calls.
bool CanonicalFields(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                     FieldBuffer* scratch, absl::string_view* canonical);

// Adds such a tuple to `digest`.
bool AddTupleToDigest(absl::string_view tuple, std::span<const ColumnCodec> codecs,
                      FieldBuffer* scratch, Digest* digest);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_ROW_ENCODER_H_
