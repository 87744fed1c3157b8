// How a column's values were stored in SQLite: what is needed to print PostgreSQL's values back as
// they were. Decided by the plan, kept in the ledger, read by revert. docs/revert.md lists the
// forms.
#ifndef LITE2PG_ENGINE_PLAN_REPRESENTATION_H_
#define LITE2PG_ENGINE_PLAN_REPRESENTATION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/row_encoder.h"
#include "coercion/type_codec.h"
#include "engine/plan/written_forms.h"

namespace lite2pg {

// The storage class of a restored value. The first five are StorageClass's own values.
enum class Storage : uint8_t {
  kNull = 0,
  kInteger = 1,
  kReal = 2,
  kText = 3,
  kBlob = 4,
  kNumber = 5,      // INTEGER for whole numbers, REAL for others
  kByLooks = 6,     // a number for text that is one, else TEXT
};

// Plain values.
struct Representation {
  Storage storage = Storage::kText;
  TemporalForm temporal;               // text of dates and times; parts kNone: PostgreSQL's own
  uint32_t fraction = kTrimmedFraction;  // exactly one rule
  std::string true_word = "t", false_word = "f";
  bool uuid_hyphens = true, uuid_braces = false, uuid_upper = false;
  bool json_canonical = false;         // jsonb in its shortest form ...
  bool json_spaced = false;            // ... with a space after commas and colons
  NumberReading number = NumberReading::kNone;  // of dates and times kept as numbers
  TextReading text = TextReading::kPlain;
  BlobReading blob = BlobReading::kPlain;
  std::string time_zone = "UTC";       // in which text without an offset was read
  // Whether every value seen comes back exactly; if not, why.
  bool exact = true;
  std::string reason;
};

// From what the scan saw of a column and the type that it gets.
Representation DescribeRepresentation(const PgType& type, const ReadingRules& rules,
                                      const ClassCounts& counts, const WrittenForms& forms);

// What stands for a type where nothing is known about its source: docs/revert.md's table.
Representation DefaultRepresentation(const PgType& type);

// The ledger's form, a JSON object. FromJson leaves defaults where a member is missing and fails
// with kInvalidArgument on what it does not know.
std::string RepresentationToJson(const Representation& representation);
absl::StatusOr<Representation> RepresentationFromJson(absl::string_view json);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_REPRESENTATION_H_
