// Rows of SQLite values in the form in which they are compared: as the target's types have them, or
// as SQLite itself does.
#ifndef LITE2PG_ENGINE_VERIFY_SOURCE_ROWS_H_
#define LITE2PG_ENGINE_VERIFY_SOURCE_ROWS_H_

#include <span>
#include <string>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

// How people write a value of SQLite: NULL, 12, 1.5, 'it''s', x'00ff'.
std::string ShowSourceValue(const SourceValue& value, size_t bytes_max);

// One per scan; one thread. What Make() returns lives until it is called again, and as long as the
// values given to it. The codecs must outlive it.
class SourceRowMaker final : public RowPresenter {
 public:
  // Rows as COPY into columns of these codecs would carry them. `fills` (empty, or one per column)
  // holds the field that stands where the source has NULL; "": NULL stays.
  SourceRowMaker(std::span<const ColumnCodec> codecs, std::span<const std::string> fills);
  // Rows as SQLite has them: storage class and value. For comparing two SQLite files.
  explicit SourceRowMaker(size_t columns);

  ComparedRow Make(std::span<const SourceValue> values);
  // Per column of the row made last: the Outcome that refused its value, kOk where it has a form.
  std::span<const uint8_t> outcomes() const { return refused_; }
  std::string Show(size_t column, size_t bytes_max) const override;

 private:
  void PutNative(const SourceValue& value);

  std::span<const ColumnCodec> codecs_;
  std::span<const std::string> fills_;
  size_t columns_;
  bool any_canonical_ = false;
  std::span<const SourceValue> values_;
  std::vector<uint8_t> refused_;   // per column: the Outcome
  FieldBuffer tuple_, fields_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_SOURCE_ROWS_H_
