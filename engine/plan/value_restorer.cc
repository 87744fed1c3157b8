#include "engine/plan/value_restorer.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "coercion/datetime_number.h"
#include "coercion/decimal.h"
#include "coercion/json.h"
#include "coercion/types/float8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

bool IsTemporal(Oid oid) {
  return oid == kOidDate || oid == kOidTime || oid == kOidTimestamp || oid == kOidTimestamptz;
}

// A decimal without a fraction as an integer, where it fits.
bool WholeNumber(const Decimal& decimal, int64_t* value) {
  if (decimal.fraction_digits() > 0 || decimal.point > 19) return false;
  __int128 number = 0;
  const size_t digits = decimal.digit_count();
  for (size_t i = 0; i < digits; ++i) number = number * 10 + (decimal.digit(i) - '0');
  for (auto i = static_cast<int64_t>(digits); i < decimal.point; ++i) number *= 10;
  if (decimal.negative) number = -number;
  if (number < INT64_MIN || number > INT64_MAX) return false;
  *value = static_cast<int64_t>(number);
  return true;
}

// The double nearest to a text of digits or a special word.
bool ParseReal(absl::string_view text, double* value) {
  if (ParseSpecialReal(text, value)) return true;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// The number whose text `text` is, to the byte.
bool NumberOfText(absl::string_view text, SourceValue* out) {
  if (text.empty() || text.size() > kNumberTextBytes) return false;
  // Most texts, dates among them, end here: the scan asks this of every one.
  size_t at = text[0] == '-' ? 1 : 0;
  const size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  const bool infinite = at == begin && text.substr(at) == "Inf";
  const bool goes_on = at < text.size() && text[at] != '.' && text[at] != 'e';
  if (!infinite && (at == begin || goes_on)) return false;
  NumberText buffer;
  int64_t integer = 0;
  const char* const end = text.data() + text.size();
  const auto whole = std::from_chars(text.data(), end, integer);
  if (whole.ec == std::errc() && whole.ptr == end) {
    *out = SourceValue::Integer(integer);
    return IntegerText(integer, buffer) == text;
  }
  double real = 0;
  if (!ParseReal(text, &real) || std::isnan(real)) return false;
  *out = SourceValue::Real(real);
  return RealText(real, buffer) == text;
}

// The number that a JSON text is: with a point or an exponent, or beyond integers, a REAL.
bool NumberOfJson(absl::string_view text, SourceValue* out) {
  Decimal decimal;
  if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return false;
  if (!ParseDecimal(text, &decimal)) return false;
  int64_t integer = 0;
  if (text.find_first_of(".e") == absl::string_view::npos && WholeNumber(decimal, &integer)) {
    *out = SourceValue::Integer(integer);
    return true;
  }
  double real = 0;
  if (!ParseReal(text, &real) || std::isinf(real)) return false;
  NumberText buffer;
  *out = SourceValue::Real(real);
  return SameNumber(decimal, ShortestDecimal(real, buffer));
}

std::string HexText(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace

bool IsNumberText(absl::string_view text) {
  SourceValue number;
  return NumberOfText(text, &number);
}

bool SameStoredValue(const SourceValue& a, const SourceValue& b) {
  if (a.storage_class != b.storage_class) return false;
  switch (a.storage_class) {
    case StorageClass::kNull:
      return true;
    case StorageClass::kInteger:
      return a.integer == b.integer;
    case StorageClass::kReal:
      return std::bit_cast<uint64_t>(a.real) == std::bit_cast<uint64_t>(b.real);
    case StorageClass::kText:
    case StorageClass::kBlob:
      return a.bytes() == b.bytes();
  }
  return false;
}

void SpaceOutJson(absl::string_view compact, std::string* out) {
  bool quoted = false;
  for (size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    out->push_back(c);
    if (quoted && c == '\\' && i + 1 < compact.size()) {
      out->push_back(compact[++i]);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == ':')) {
      out->push_back(' ');
    }
  }
}

ValueRestorer::ValueRestorer(const ColumnCodec& codec, const Representation& representation)
    : codec_(codec), form_(representation), oid_(codec.type->oid) {
  if (oid_ != kOidTimestamptz) return;
  const absl::string_view zone = form_.temporal.zone_text();
  DateTimeText parsed;
  if (zone.empty()) {
    zone_is_local_ = absl::LoadTimeZone(form_.time_zone, &time_zone_);
  } else if (ParseDateTime(absl::StrCat("2000-01-01 00:00:00", zone), &parsed) == Outcome::kOk) {
    offset_seconds_ = parsed.offset_seconds;
  }
}

Restored ValueRestorer::Restore(absl::string_view field, std::string* text,
                                SourceValue* out) const {
  text->clear();
  if (form_.storage == Storage::kBlob) return RestoreBlob(field, text, out);
  if (IsTemporal(oid_)) return RestoreTemporal(field, text, out);
  if (oid_ == kOidFloat8 && field.size() == 8 && !std::isnan(LoadDouble(field.data()))) {
    const Restored restored = RestoreDouble(LoadDouble(field.data()), out);
    if (restored != Restored::kMalformed) return restored;
  }
  const bool is_text = form_.storage == Storage::kText || form_.storage == Storage::kByLooks;
  if (oid_ == kOidBool) {
    if (field.size() != 1) return Restored::kMalformed;
    const bool is_true = field[0] != 0;
    if (form_.storage == Storage::kReal) {
      *out = SourceValue::Real(is_true ? 1 : 0);
    } else if (!is_text) {
      *out = SourceValue::Integer(is_true ? 1 : 0);
    } else {
      *text = is_true ? form_.true_word : form_.false_word;
      *out = SourceValue::Text(*text);
    }
    return Restored::kExact;
  }
  if (oid_ == kOidBytea) {
    text->assign(field.data(), field.size());
    if (form_.text == TextReading::kHex) *text = HexText(field);
    if (form_.text == TextReading::kBase64) *text = absl::Base64Escape(field);
  } else if (!codec_.decode(field, codec_.params, text)) {
    return Restored::kMalformed;
  }
  return is_text ? RestoreText(field, text, out) : RestoreNumber(*text, out);
}

Restored ValueRestorer::RestoreBlob(absl::string_view field, std::string* text,
                                    SourceValue* out) const {
  if (oid_ == kOidUuid && form_.blob == BlobReading::kUuidMixedEndian && field.size() == 16) {
    for (const size_t i : {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}) {
      text->push_back(field[i]);
    }
    *out = SourceValue::Blob(*text);
    return Restored::kExact;
  }
  if (oid_ == kOidBytea || oid_ == kOidUuid) {
    *out = SourceValue::Blob(field);
    return Restored::kExact;
  }
  if (!codec_.decode(field, codec_.params, text)) return Restored::kMalformed;
  *out = SourceValue::Blob(*text);
  return form_.blob == BlobReading::kUtf8Text ? Restored::kExact : Restored::kOtherForm;
}

Restored ValueRestorer::RestoreText(absl::string_view field, std::string* text,
                                    SourceValue* out) const {
  if (oid_ == kOidJsonb && form_.json_canonical) {
    FieldBuffer canonical;
    if (!codec_.canonical(field, codec_.params, &canonical)) return Restored::kMalformed;
    // Its notation for very long numbers is not JSON's; those stay as the server writes them.
    if (IsJson(canonical.view())) {
      text->clear();
      if (form_.json_spaced) {
        SpaceOutJson(canonical.view(), text);
      } else {
        text->assign(canonical.data(), canonical.size());
      }
    }
  }
  // What PostgreSQL fills char(n) up with.
  if (oid_ == kOidBpchar) text->erase(text->find_last_not_of(' ') + 1);
  if (oid_ == kOidUuid) {
    if (!form_.uuid_hyphens) std::erase(*text, '-');
    if (form_.uuid_upper) absl::AsciiStrToUpper(text);
    if (form_.uuid_braces) *text = absl::StrCat("{", *text, "}");
  }
  if (form_.storage == Storage::kByLooks) {
    // jsonb writes all digits of a REAL that SQLite writes with an exponent.
    if (oid_ == kOidJsonb ? NumberOfJson(*text, out) : NumberOfText(*text, out)) {
      return Restored::kExact;
    }
  }
  *out = SourceValue::Text(*text);
  return Restored::kExact;
}

// A double as it is: its text has fewer digits than a large integer. kMalformed: not stored as a
// number.
Restored ValueRestorer::RestoreDouble(double value, SourceValue* out) const {
  *out = SourceValue::Real(value);
  if (form_.storage == Storage::kReal) return Restored::kExact;
  if (form_.storage != Storage::kInteger && form_.storage != Storage::kNumber) {
    return Restored::kMalformed;
  }
  const bool whole = value >= -0x1p63 && value < 0x1p63 && std::trunc(value) == value &&
                     !(value == 0 && std::signbit(value));
  if (whole) *out = SourceValue::Integer(static_cast<int64_t>(value));
  return whole || form_.storage == Storage::kNumber ? Restored::kExact : Restored::kOtherForm;
}

// `printed` is PostgreSQL's text. What has no exact form as a number stays that text.
Restored ValueRestorer::RestoreNumber(absl::string_view printed, SourceValue* out) const {
  Decimal decimal;
  double real = 0;
  *out = SourceValue::Text(printed);
  const bool finite = ParseDecimal(printed, &decimal);
  int64_t integer = 0;
  const bool minus_zero = finite && decimal.is_zero() && decimal.negative;
  if (form_.storage != Storage::kReal && finite && !minus_zero && WholeNumber(decimal, &integer)) {
    *out = SourceValue::Integer(integer);
    return Restored::kExact;
  }
  if (!ParseReal(printed, &real) || std::isnan(real)) return Restored::kOtherForm;
  if (finite) {
    if (std::isinf(real)) return Restored::kOtherForm;
    NumberText buffer;
    Decimal shown;
    const bool same = SameNumber(decimal, ShortestDecimal(real, buffer)) ||
                      (ParseDecimal(Float8Text(real, buffer), &shown) &&
                       SameNumber(decimal, shown));
    if (!same) return Restored::kOtherForm;
  }
  *out = SourceValue::Real(real);
  return form_.storage == Storage::kInteger ? Restored::kOtherForm : Restored::kExact;
}

bool ValueRestorer::TemporalMicros(absl::string_view field, int64_t* micros) const {
  if (oid_ != kOidDate) {
    if (field.size() != 8) return false;
    *micros = LoadInt64(field.data());
    return *micros != kPgInfinity && *micros != kPgMinusInfinity;
  }
  if (field.size() != 4) return false;
  const int32_t days = LoadInt32(field.data());
  *micros = int64_t{days} * kMicrosPerDay;
  // Dates reach further than microseconds do; those have no other form than PostgreSQL's.
  return days >= kPgDaysMin && days < kPgMicrosEnd / kMicrosPerDay;
}

Restored ValueRestorer::RestoreTemporal(absl::string_view field, std::string* text,
                                        SourceValue* out) const {
  int64_t micros = 0;
  const bool countable = TemporalMicros(field, &micros);
  const bool is_text = form_.storage == Storage::kText || form_.storage == Storage::kByLooks;
  if (countable && is_text && form_.temporal.parts != TemporalForm::Parts::kNone) {
    return RestoreTemporalText(micros, text, out);
  }
  const bool is_length = oid_ == kOidTime;
  if (countable && form_.storage == Storage::kInteger) {
    int64_t number = 0;
    if (IntegerFromPgMicros(micros, form_.number, is_length, &number)) {
      *out = SourceValue::Integer(number);
      return Restored::kExact;
    }
  }
  if (countable && !is_text) {
    // More than the unit of an integer shows is a fraction of that unit.
    double number = 0;
    if (RealFromPgMicros(micros, form_.number, is_length, &number)) {
      *out = SourceValue::Real(number);
      return form_.storage == Storage::kReal ? Restored::kExact : Restored::kOtherForm;
    }
  }
  if (!codec_.decode(field, codec_.params, text)) return Restored::kMalformed;
  *out = SourceValue::Text(*text);
  return is_text && countable ? Restored::kExact : Restored::kOtherForm;
}

// The digits behind the seconds. False when the form has no room for all of them; then all are
// written.
bool ValueRestorer::AppendFraction(int64_t micros, std::string* text) const {
  const int64_t fraction = micros % kMicrosPerSecond;
  std::string digits = absl::StrCat(absl::Dec(fraction, absl::kZeroPad6), "000");
  size_t needed = digits.find_last_not_of('0');
  needed = needed == std::string::npos ? 0 : needed + 1;
  size_t wanted = needed;
  for (int n = 0; n <= kFractionDigitsMax; ++n) {
    const auto count = static_cast<size_t>(n);
    if (form_.fraction == FixedFraction(n)) wanted = count;
    if (n > 0 && form_.fraction == OptionalFraction(n)) wanted = needed == 0 ? 0 : count;
  }
  const bool fits = wanted >= needed;
  if (!fits) wanted = needed;
  if (wanted > 0) absl::StrAppend(text, ".", digits.substr(0, wanted));
  return fits;
}

Restored ValueRestorer::RestoreTemporalText(int64_t micros, std::string* text,
                                            SourceValue* out) const {
  const TemporalForm& form = form_.temporal;
  absl::string_view zone = form.zone_text();
  bool exact = true;
  if (zone_is_local_) {
    const int64_t unix = micros + kUnixToPgMicros;
    const int64_t seconds = unix / kMicrosPerSecond - (unix % kMicrosPerSecond < 0 ? 1 : 0);
    const absl::Time instant = absl::FromUnixSeconds(seconds);
    // Where clocks were set back two instants have the same reading; those say their offset.
    exact = time_zone_.At(time_zone_.At(instant).cs).kind == absl::TimeZone::TimeInfo::UNIQUE;
    if (exact) micros += int64_t{time_zone_.At(instant).offset} * kMicrosPerSecond;
    if (!exact) zone = "+00:00";
  }
  micros += int64_t{offset_seconds_} * kMicrosPerSecond;
  const bool has_date = form.parts != TemporalForm::Parts::kTime;
  int64_t days = micros / kMicrosPerDay;
  int64_t of_day = micros % kMicrosPerDay;
  if (of_day < 0) {
    of_day += kMicrosPerDay;
    --days;
  }
  bool before_christ = false;
  if (has_date) {
    AppendDate(days, text);
    before_christ = absl::string_view(*text).substr(text->size() - 2) == "BC";
    if (before_christ) text->resize(text->size() - 3);
    exact &= text->size() == 10 && !before_christ;
  } else {
    of_day = micros;  // 24:00:00 is a time of its own
  }
  const bool date_only = form.parts == TemporalForm::Parts::kDate;
  if (!date_only || of_day != 0) {
    exact &= !date_only;
    if (has_date) text->push_back(date_only ? ' ' : form.separator);
    std::string time;
    AppendTime(of_day, &time);
    const bool seconds = form.seconds || of_day % (60 * kMicrosPerSecond) != 0;
    exact &= seconds == form.seconds;
    text->append(time, 0, seconds ? 8 : 5);
    if (seconds) exact &= AppendFraction(of_day, text);
    text->append(zone.data(), zone.size());
  }
  if (before_christ) text->append(" BC");
  *out = SourceValue::Text(*text);
  return exact ? Restored::kExact : Restored::kOtherForm;
}

}  // namespace lite2pg
