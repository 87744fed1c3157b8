#include "engine/plan/written_forms.h"

#include <cmath>
#include <cstring>
#include <string>

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

// Encodes the value, prints it back by the plainest form of its class, and compares.
void LearnOther(const SourceValue& value, const Candidate& candidate, FieldBuffer* scratch,
                WrittenForms* forms) {
  if (forms->mixed) return;
  // Only the server knows what it makes of a text of its own types.
  if (candidate.codec.server_text) {
    forms->mixed = true;
    return;
  }
  scratch->Clear();
  scratch->Reserve(candidate.codec.fixed_bytes + candidate.codec.expand * value.size_bytes);
  const auto c = static_cast<size_t>(value.storage_class);
  // What is refused never reaches the target.
  if (candidate.codec.encode[c](value, candidate.codec.params, scratch) != Outcome::kOk) return;
  Representation plain;
  plain.storage = static_cast<Storage>(value.storage_class);
  plain.text = candidate.rules.text;
  plain.blob = candidate.rules.blob;
  const ValueRestorer restorer(candidate.codec, plain);
  std::string text;
  SourceValue back;
  const absl::string_view field = scratch->view();
  const bool exact = field.size() >= 4 &&
                     restorer.Restore(field.substr(4), &text, &back) == Restored::kExact;
  forms->mixed = !exact || !SameStoredValue(value, back);
}

bool IsKeptText(const Candidate& candidate) {
  const Oid oid = candidate.codec.type->oid;
  return oid == kOidText || oid == kOidVarchar || oid == kOidJson ||
         candidate.type.kind == TypeKind::kEnum || candidate.codec.type->name == "citext";
}

bool Rounds(const ReadingRules& rules) {
  return rules.round_to_float4 || rules.round_to_microseconds || rules.round_to_typmod;
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

}  // namespace

FormFamily FamilyOf(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    if (candidates.size() == 1 && Rounds(candidate.rules)) return FormFamily::kOther;
    const FormFamily family = FamilyOfType(candidate.codec.type->oid);
    if (family != FormFamily::kPlain) return family;
  }
  return candidates.size() > 1 || IsKeptText(candidates[0]) ? FormFamily::kPlain
                                                            : FormFamily::kOther;
}

bool LearnsFrom(StorageClass storage_class, const std::vector<Candidate>& candidates,
                FormFamily family) {
  switch (storage_class) {
    case StorageClass::kNull:
      return false;
    case StorageClass::kReal:
    case StorageClass::kText:
      return true;
    case StorageClass::kInteger:
      return family == FormFamily::kOther;
    case StorageClass::kBlob:
      return family == FormFamily::kOther && candidates[0].codec.type->oid != kOidBytea;
  }
  return true;
}

void LearnForm(FormFamily family, const SourceValue& value, const Candidate* only,
               FieldBuffer* scratch, WrittenForms* forms) {
  const bool is_text = value.storage_class == StorageClass::kText;
  const absl::string_view text = value.bytes();
  if (value.storage_class == StorageClass::kReal) {
    // 2^63 is the first double that is no integer any more.
    const bool in_range = value.real >= -0x1p63 && value.real < 0x1p63;
    forms->integral_real |=
        in_range && static_cast<double>(static_cast<int64_t>(value.real)) == value.real;
  } else if (is_text && text.empty() && only != nullptr && only->rules.empty_text_as_null) {
    forms->emptied = true;
    return;
  } else if (is_text && !forms->number_like_text) {
    forms->number_like_text = IsNumberText(text);
  }
  if (family == FormFamily::kOther && only != nullptr) {
    return LearnOther(value, *only, scratch, forms);
  }
  if (!is_text) return;
  if (forms->mixed) return;
  switch (family) {
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

}  // namespace lite2pg
