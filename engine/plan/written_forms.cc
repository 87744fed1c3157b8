#include "engine/plan/written_forms.h"

#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "coercion/decimal.h"
#include "coercion/json.h"
#include "engine/plan/value_restorer.h"

namespace lite2pg {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The fraction's digits at `text`, as the rules that they keep to.
uint32_t FractionRules(absl::string_view digits) {
  const size_t count = digits.size();
  if (count > kFractionDigitsMax) return 0;
  const bool zero = digits.find_first_not_of('0') == absl::string_view::npos;
  uint32_t rules = FixedFraction(static_cast<int>(count));
  if (count == 0) {
    // A rule with an optional fraction leaves out those that are zero.
    for (int n = 1; n <= kFractionDigitsMax; ++n) rules |= OptionalFraction(n);
    return rules | kTrimmedFraction;
  }
  if (!zero) rules |= OptionalFraction(static_cast<int>(count));
  if (digits.back() != '0') rules |= kTrimmedFraction;
  return rules;
}

// Takes the time and what follows it off `rest`.
bool ReadTimeForm(absl::string_view rest, TemporalForm* form, uint32_t* fraction) {
  if (rest.size() < 5 || rest[2] != ':') return false;
  form->seconds = rest.size() >= 8 && rest[5] == ':';
  rest.remove_prefix(form->seconds ? 8 : 5);
  size_t digits = 0;
  if (form->seconds && !rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    while (digits < rest.size() && IsDigit(rest[digits])) ++digits;
    if (digits == 0) return false;
  }
  *fraction = FractionRules(rest.substr(0, digits));
  rest.remove_prefix(digits);
  if (rest.size() > TemporalForm::kZoneBytesMax) return false;
  form->zone_bytes = static_cast<uint8_t>(rest.size());
  std::memcpy(form->zone, rest.data(), rest.size());
  return true;
}

bool ReadTemporalForm(absl::string_view text, TemporalForm* form, uint32_t* fraction) {
  const bool date = text.size() >= 10 && text[4] == '-' && text[7] == '-';
  if (!date) {
    form->parts = TemporalForm::Parts::kTime;
    return ReadTimeForm(text, form, fraction);
  }
  if (text.size() == 10) {
    form->parts = TemporalForm::Parts::kDate;
    *fraction = kAllFractionRules;
    return true;
  }
  form->parts = TemporalForm::Parts::kDateTime;
  form->separator = text[10];
  return ReadTimeForm(text.substr(11), form, fraction);
}

void LearnTemporal(absl::string_view text, WrittenForms* forms) {
  TemporalForm form;
  uint32_t fraction = 0;
  if (!ReadTemporalForm(text, &form, &fraction)) {
    forms->mixed = true;
    return;
  }
  forms->fraction &= fraction;
  if (forms->temporal.parts == TemporalForm::Parts::kNone) {
    forms->temporal = form;
  } else if (!(forms->temporal == form)) {
    forms->mixed = true;
  }
  if (forms->fraction == 0) forms->mixed = true;
}

void LearnBool(absl::string_view text, WrittenForms* forms) {
  if (text.empty() || text.size() > BoolWord::kBytesMax) {
    forms->mixed = true;
    return;
  }
  const char first = static_cast<char>(text[0] | 0x20);
  const bool is_on = text.size() == 2 && first == 'o';
  const bool is_true = first == 't' || first == 'y' || is_on || text == "1";
  BoolWord& word = is_true ? forms->true_word : forms->false_word;
  if (word.size_bytes == 0) {
    word.size_bytes = static_cast<uint8_t>(text.size());
    std::memcpy(word.bytes, text.data(), text.size());
  } else if (word.text() != text) {
    forms->mixed = true;
  }
}

void LearnUuid(const SourceValue& value, WrittenForms* forms) {
  absl::string_view text = value.bytes();
  const bool braces = text.size() >= 2 && text.front() == '{';
  if (braces) text = text.substr(1, text.size() - 2);
  uint8_t seen = braces ? kUuidBraces : kUuidNoBraces;
  seen |= text.size() == 36 ? kUuidHyphens : kUuidNoHyphens;
  for (const char c : text) {
    if (c >= 'a') seen |= kUuidLower;
    if (c >= 'A' && c <= 'F') seen |= kUuidUpper;
  }
  forms->uuid |= seen;
}

void LearnJsonb(absl::string_view text, FieldBuffer* scratch, WrittenForms* forms) {
  // jsonb has numbers of its own, so that any of them may look like one of SQLite's.
  forms->number_like_text |= !text.empty() && (text[0] == '-' || IsDigit(text[0]));
  if (forms->jsonb == 0) return;
  scratch->Clear();
  const bool compact = AppendCanonicalJsonb(text, scratch) && scratch->view() == text;
  if (!compact) forms->jsonb &= static_cast<uint8_t>(~kJsonCompact);
  if ((forms->jsonb & kJsonSpaced) == 0) return;
  std::string spaced;
  SpaceOutJson(scratch->view(), &spaced);
  if (spaced != text) forms->jsonb &= static_cast<uint8_t>(~kJsonSpaced);
}

bool IsKeptText(const Candidate& candidate) {
  const Oid oid = candidate.codec.type->oid;
  return oid == kOidText || oid == kOidVarchar || oid == kOidJson ||
         candidate.type.kind == TypeKind::kEnum || candidate.codec.type->name == "citext";
}

bool Rounds(const ReadingRules& rules) {
  return rules.round_to_float4 || rules.round_to_microseconds || rules.round_to_typmod;
}

// Types that hold every value of a class which they take as it is.
bool HoldsAsItIs(StorageClass storage_class, const Candidate& candidate) {
  if (candidate.codec.without_rules != nullptr) return false;
  const Oid oid = candidate.codec.type->oid;
  switch (storage_class) {
    case StorageClass::kInteger:
      return oid == kOidInt2 || oid == kOidInt4 || oid == kOidInt8;
    case StorageClass::kReal:
      return oid == kOidFloat8;
    case StorageClass::kBlob:
      return oid == kOidBytea;
    default:
      return false;
  }
}

FormFamily FamilyOfType(Oid oid) {
  switch (oid) {
    case kOidDate:
    case kOidTime:
    case kOidTimestamp:
    case kOidTimestamptz:
      return FormFamily::kTemporal;
    case kOidBool:
      return FormFamily::kBool;
    case kOidUuid:
      return FormFamily::kUuid;
    case kOidJsonb:
      return FormFamily::kJsonb;
    default:
      return FormFamily::kPlain;
  }
}

// What a column's text may be a form of; follows from its candidates alone.
FormFamily FamilyOf(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    if (candidates.size() == 1 && Rounds(candidate.rules)) return FormFamily::kOther;
    const FormFamily family = FamilyOfType(candidate.codec.type->oid);
    if (family != FormFamily::kPlain) return family;
  }
  return candidates.size() > 1 || IsKeptText(candidates[0]) ? FormFamily::kPlain
                                                            : FormFamily::kOther;
}

bool HasForms(StorageClass storage_class, const std::vector<Candidate>& candidates,
              FormFamily family) {
  switch (storage_class) {
    case StorageClass::kNull:
      return false;
    case StorageClass::kReal:   // whether it is a whole number
    case StorageClass::kText:
      return true;
    case StorageClass::kInteger:
    case StorageClass::kBlob:
      return family == FormFamily::kOther && !HoldsAsItIs(storage_class, candidates[0]);
  }
  return true;
}

}  // namespace

struct FormLearner::Printers {
  // Per storage class but NULL: the plainest form of it; none where the type holds it as it is.
  std::array<std::optional<ValueRestorer>, kStorageClassCount> of_class;
};

FormLearner::FormLearner(const std::vector<Candidate>& candidates)
    : family_(FamilyOf(candidates)), only_(candidates.size() == 1 ? candidates.data() : nullptr) {
  for (size_t c = 0; c < kStorageClassCount; ++c) {
    learns_[c] = HasForms(static_cast<StorageClass>(c), candidates, family_);
  }
  // Only the server knows what it makes of a text of its own types.
  if (family_ != FormFamily::kOther || candidates[0].codec.server_text) return;
  auto printers = std::make_unique<Printers>();
  for (size_t c = 1; c < kStorageClassCount; ++c) {
    if (HoldsAsItIs(static_cast<StorageClass>(c), candidates[0])) continue;
    Representation plain;
    plain.storage = static_cast<Storage>(c);
    plain.text = candidates[0].rules.text;
    plain.blob = candidates[0].rules.blob;
    printers->of_class[c].emplace(candidates[0].codec, plain);
  }
  printers_ = std::move(printers);
}

FormLearner::~FormLearner() = default;
FormLearner::FormLearner(FormLearner&&) noexcept = default;

// Encodes the value, prints it back, and compares.
void FormLearner::LearnOther(const SourceValue& value, FieldBuffer* scratch,
                             WrittenForms* forms) const {
  if (forms->mixed) return;
  if (printers_ == nullptr) {
    forms->mixed = true;
    return;
  }
  const auto c = static_cast<size_t>(value.storage_class);
  const std::optional<ValueRestorer>& printer = printers_->of_class[c];
  if (!printer.has_value()) return;
  const ColumnCodec& codec = only_->codec;
  scratch->Clear();
  scratch->Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  // What is refused never reaches the target.
  if (codec.encode[c](value, codec.params, scratch) != Outcome::kOk) return;
  std::string text;
  SourceValue back;
  const absl::string_view field = scratch->view();
  const bool exact = field.size() >= 4 &&
                     printer->Restore(field.substr(4), &text, &back) == Restored::kExact;
  forms->mixed = !exact || !SameStoredValue(value, back);
}

void FormLearner::Learn(const SourceValue& value, FieldBuffer* scratch,
                        WrittenForms* forms) const {
  const bool is_text = value.storage_class == StorageClass::kText;
  const absl::string_view text = value.bytes();
  if (value.storage_class == StorageClass::kReal) {
    // 2^63 is the first double that is no integer any more.
    const bool in_range = value.real >= -0x1p63 && value.real < 0x1p63;
    forms->integral_real |=
        in_range && static_cast<double>(static_cast<int64_t>(value.real)) == value.real;
  } else if (is_text && text.empty() && only_ != nullptr && only_->rules.empty_text_as_null) {
    forms->emptied = true;
    return;
  } else if (is_text && !forms->number_like_text) {
    forms->number_like_text = IsNumberText(text);
  }
  if (family_ == FormFamily::kOther) return LearnOther(value, scratch, forms);
  if (!is_text) return;
  if (forms->mixed) return;
  switch (family_) {
    case FormFamily::kTemporal:
      return LearnTemporal(text, forms);
    case FormFamily::kBool:
      return LearnBool(text, forms);
    case FormFamily::kUuid:
      return LearnUuid(value, forms);
    case FormFamily::kJsonb:
      return LearnJsonb(text, scratch, forms);
    case FormFamily::kPlain:
    case FormFamily::kOther:
      return;
  }
}

void WrittenForms::Merge(const WrittenForms& other) {
  integral_real |= other.integral_real;
  number_like_text |= other.number_like_text;
  emptied |= other.emptied;
  mixed |= other.mixed;
  if (temporal.parts == TemporalForm::Parts::kNone) {
    temporal = other.temporal;
  } else if (other.temporal.parts != TemporalForm::Parts::kNone && !(temporal == other.temporal)) {
    mixed = true;
  }
  fraction &= other.fraction;
  mixed |= fraction == 0;
  const auto merge_word = [this](BoolWord* to, const BoolWord& from) {
    if (to->size_bytes == 0) *to = from;
    if (from.size_bytes != 0 && !(*to == from)) mixed = true;
  };
  merge_word(&true_word, other.true_word);
  merge_word(&false_word, other.false_word);
  uuid |= other.uuid;
  jsonb &= other.jsonb;
}

void ColumnForms::Merge(const ColumnForms& other) {
  for (size_t c = 0; c < counts.size(); ++c) counts[c] += other.counts[c];
  forms.Merge(other.forms);
}

RowFormLearner::RowFormLearner(std::vector<CandidateList> candidates)
    : candidates_(std::move(candidates)), forms_(candidates_.size()) {
  for (const CandidateList& column : candidates_) learners_.emplace_back(column);
}

void RowFormLearner::Add(std::span<const SourceValue> row, std::span<const uint8_t> refused) {
  for (size_t i = 0; i < row.size(); ++i) {
    const StorageClass storage_class = row[i].storage_class;
    ++forms_[i].counts[static_cast<size_t>(storage_class)];
    if (!learners_[i].LearnsFrom(storage_class)) continue;
    if (i < refused.size() && refused[i] != 0) continue;
    learners_[i].Learn(row[i], &scratch_, &forms_[i].forms);
  }
}

}  // namespace lite2pg
