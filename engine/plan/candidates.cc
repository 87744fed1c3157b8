#include "engine/plan/candidates.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "coercion/declared_type.h"
#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

constexpr ClassMask kNull = MaskOf(StorageClass::kNull);
constexpr ClassMask kInteger = MaskOf(StorageClass::kInteger);
constexpr ClassMask kReal = MaskOf(StorageClass::kReal);
constexpr ClassMask kText = MaskOf(StorageClass::kText);
constexpr ClassMask kBlob = MaskOf(StorageClass::kBlob);

// Builds a list; every Add binds the codec, which for built-in types cannot fail.
class List {
 public:
  List& Add(Oid oid, ClassMask accepts, ClassMask needs_no_check, int32_t typmod = -1,
            TextShape shape = TextShape::kAny, const ReadingRules& rules = {}) {
    Candidate c;
    c.type = BuiltinType(oid, typmod);
    c.rules = rules;
    c.shape = shape;
    c.accepts = accepts | kNull;
    c.needs_no_check = needs_no_check | kNull;
    c.codec = BindColumn(c.type, rules).value();
    list_.push_back(std::move(c));
    return *this;
  }

  // What holds numbers, then text, then anything: the tail of most lists. INTEGER 5 and REAL 5.0
  // are different values to us, so only float8 and numeric take both.
  List& AddNumbers() {
    Add(kOidInt8, kInteger, kInteger);
    return AddFloat().AddNumeric();
  }
  List& AddFloat() { return Add(kOidFloat8, kInteger | kReal, kReal); }
  List& AddNumeric(int32_t typmod = -1) {
    // But for -0.0, which the scan shows to every candidate.
    const ClassMask sure = typmod < 0 ? kInteger | kReal : 0;
    return Add(kOidNumeric, kInteger | kReal, sure, typmod);
  }
  List& AddText() { return Add(kOidText, kInteger | kReal | kText, kInteger | kReal); }
  List& AddBytes() { return Add(kOidBytea, kAllClasses, kAllClasses); }
  List& AddShaped(Oid oid, TextShape shape) { return Add(oid, kText, 0, -1, shape); }
  List& AddTimestamps() {
    AddShaped(kOidTimestamp, TextShape::kDateTimeNaive);
    AddShaped(kOidTimestamptz, TextShape::kDateTimeWithOffset);
    return AddShaped(kOidDate, TextShape::kDateOnly);
  }

  std::vector<Candidate> Take() { return std::move(list_); }

 private:
  std::vector<Candidate> list_;
};

ReadingRules BlobRules(BlobReading reading) {
  ReadingRules rules;
  rules.blob = reading;
  return rules;
}

void AddUuid(const SourceColumn& column, List* list) {
  // The byte order of a GUID blob is a convention that the declaration does not tell; that of a
  // UUID is RFC 9562's.
  const bool says_uuid = absl::StrContains(absl::AsciiStrToUpper(column.declared_type), "UUID");
  list->Add(kOidUuid, says_uuid ? kText | kBlob : kText, 0, -1, TextShape::kAny,
            BlobRules(BlobReading::kUuid));
}

std::vector<Candidate> ListFor(const SourceColumn& column) {
  const DeclaredType declared = ParseDeclaredType(column.declared_type);
  List list;
  switch (declared.family) {
    case DeclaredFamily::kNone:
    case DeclaredFamily::kUnknown:
      // Nothing but NULL follows the declaration, which here says "anything": text, unless it is
      // numbers. The first entry takes columns that are empty or all text.
      list.Add(kOidText, kText, 0).AddNumbers();
      list.Add(kOidBytea, kBlob, kBlob);
      break;
    case DeclaredFamily::kInteger:
      list.AddNumbers();
      break;
    case DeclaredFamily::kBoolean:
      list.Add(kOidBool, kInteger | kText, 0).AddNumbers();
      break;
    case DeclaredFamily::kReal:
      list.AddFloat().AddNumeric();
      break;
    case DeclaredFamily::kNumeric:
      if (declared.precision > 0) {
        list.AddNumeric(NumericTypmod(declared.precision, declared.scale));
      }
      list.AddNumeric();
      break;
    case DeclaredFamily::kText:
      break;
    case DeclaredFamily::kVarchar:
      list.Add(kOidVarchar, kText, 0, LengthTypmod(declared.length));
      break;
    case DeclaredFamily::kBlob:
      list.Add(kOidBytea, kBlob, kBlob).AddNumbers();
      break;
    case DeclaredFamily::kDate:
      list.AddShaped(kOidDate, TextShape::kDateOnly).AddTimestamps().AddNumbers();
      break;
    case DeclaredFamily::kTime:
      list.AddShaped(kOidTime, TextShape::kTimeOnly).AddNumbers();
      break;
    case DeclaredFamily::kTimestamp:
      list.AddTimestamps().AddNumbers();
      break;
    case DeclaredFamily::kTimestamptz:
      list.AddShaped(kOidTimestamptz, TextShape::kDateTimeWithOffset).AddTimestamps().AddNumbers();
      break;
    case DeclaredFamily::kJson:
      list.Add(kOidJsonb, kInteger | kReal | kText | kBlob, 0, -1, TextShape::kAny,
               BlobRules(BlobReading::kSqliteJsonb));
      list.Add(kOidJson, kInteger | kReal | kText | kBlob, 0, -1, TextShape::kAny,
               BlobRules(BlobReading::kSqliteJsonb));
      list.AddNumbers();
      break;
    case DeclaredFamily::kUuid:
      AddUuid(column, &list);
      break;
  }
  list.AddText().AddBytes();
  return list.Take();
}

}  // namespace

CandidateList CandidatesFor(const SourceColumn& column, bool empty_as_null) {
  std::vector<Candidate> list = ListFor(column);
  if (!empty_as_null) return list;
  for (Candidate& candidate : list) {
    candidate.rules.empty_text_as_null = true;
    candidate.codec = BindColumn(candidate.type, candidate.rules).value();
  }
  return list;
}

absl::StatusOr<Candidate> FixedCandidate(const PgType& type, const ReadingRules& rules) {
  Candidate c;
  c.type = type;
  c.rules = rules;
  absl::StatusOr<ColumnCodec> codec = BindColumn(type, rules);
  if (codec.status().code() == absl::StatusCode::kUnimplemented) codec = BindServerText(rules);
  RETURN_IF_ERROR(codec.status());
  c.codec = *std::move(codec);
  return c;
}

}  // namespace lite2pg
