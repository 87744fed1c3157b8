#include "coercion/types/interval.h"

#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

using Int128 = __int128;

// What one number of a unit may be; the server reads each into 32 bits before it adds them up.
constexpr int64_t kAmountMax = int64_t{1} << 31;
constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;

// The typmod: fields in the upper half, digits of seconds in the lower
// (src/include/utils/timestamp.h, src/include/utils/datetime.h).
constexpr int kFullRange = 0x7fff;
constexpr int kFullPrecision = 0xffff;
constexpr int kMonthField = 1 << 1, kYearField = 1 << 2, kDayField = 1 << 3, kHourField = 1 << 10,
              kMinuteField = 1 << 11, kSecondField = 1 << 12;

constexpr int RangeOf(int32_t typmod) {
  return typmod < 0 ? kFullRange : typmod >> 16 & kFullRange;
}
constexpr int PrecisionOf(int32_t typmod) {
  return typmod < 0 ? kFullPrecision : typmod & kFullPrecision;
}

struct Interval {
  int64_t micros = 0;
  int32_t days = 0;
  int32_t months = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

// What parsing adds up, wide enough that only the end needs a check: every number read is below
// 2^60 and there are at most seven of them.
struct Sum {
  Int128 micros = 0;
  Int128 days = 0;
  Int128 months = 0;
  SecondsFraction fraction;   // of the seconds
  bool fraction_negative = false;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool At(char c) const { return !text_.empty() && text_.front() == c; }
  bool AtDigit() const { return !text_.empty() && IsDigit(text_.front()); }
  bool Take(char c) {
    if (!At(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  // Takes `word` when a space or the end follows it.
  bool TakeWord(absl::string_view word) {
    if (text_.substr(0, word.size()) != word) return false;
    if (text_.size() > word.size() && text_[word.size()] != ' ') return false;
    text_.remove_prefix(word.size());
    return true;
  }
  // At least one digit; false also when the number is far too long for any field.
  bool TakeNumber(int64_t* value) {
    constexpr int kDigitsMax = 18;
    int digits = 0;
    *value = 0;
    for (; AtDigit(); ++digits) {
      if (digits == kDigitsMax) return false;
      *value = *value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return digits > 0;
  }
  // Exactly two digits, below 60.
  bool TakeSixtieth(int64_t* value) {
    if (text_.size() < 2 || !IsDigit(text_[0]) || !IsDigit(text_[1])) return false;
    *value = 10 * (text_[0] - '0') + (text_[1] - '0');
    text_.remove_prefix(2);
    return *value < 60 && !AtDigit();
  }
  // Nothing, or a point and at least one digit.
  bool TakeFraction(SecondsFraction* fraction) {
    if (!Take('.')) return true;
    *fraction = ReadFraction(text_);
    text_.remove_prefix(static_cast<size_t>(fraction->written));
    return fraction->written > 0;
  }

 private:
  absl::string_view text_;
};

// ":MM:SS[.f]" behind hours that were read. kAmbiguous when the seconds are missing.
Outcome ReadClock(Reader* in, int64_t hours, bool negative, Sum* sum) {
  int64_t minutes = 0;
  int64_t seconds = 0;
  if (!in->Take(':') || !in->TakeSixtieth(&minutes)) return Outcome::kMalformed;
  if (in->done()) return Outcome::kAmbiguous;
  if (!in->Take(':') || !in->TakeSixtieth(&seconds) || !in->TakeFraction(&sum->fraction)) {
    return Outcome::kMalformed;
  }
  if (!in->done()) return Outcome::kMalformed;
  const Int128 micros = Int128{hours} * kMicrosPerHour + minutes * kMicrosPerMinute +
                        seconds * kMicrosPerSecond + sum->fraction.micros;
  sum->micros = negative ? -micros : micros;
  sum->fraction_negative = negative;
  return Outcome::kOk;
}

// PostgreSQL's style: numbers with units from years down, then the clock; and the two forms that
// are a clock alone or days, a point and a clock.
Outcome ReadPlain(Reader in, Sum* sum) {
  enum Unit { kNone, kYears, kMonths, kDays };
  for (Unit last = kNone;;) {
    const bool negative = in.At('-');
    if (!in.Take('-')) (void)in.Take('+');
    int64_t number = 0;
    if (!in.TakeNumber(&number)) return Outcome::kMalformed;
    if (in.At(':')) return ReadClock(&in, number, negative, sum);
    if (last == kNone && in.Take('.')) {
      // .NET: one sign for both parts.
      sum->days = negative ? -number : number;
      int64_t hours = 0;
      if (!in.TakeNumber(&hours) || hours > 23) return Outcome::kMalformed;
      return ReadClock(&in, hours, negative, sum) == Outcome::kOk ? Outcome::kOk
                                                                  : Outcome::kMalformed;
    }
    if (!in.Take(' ')) return Outcome::kMalformed;
    if (number > kAmountMax) return Outcome::kOutOfRange;
    const Int128 amount = negative ? -number : number;
    if (last < kYears && (in.TakeWord("years") || in.TakeWord("year"))) {
      last = kYears;
      sum->months += amount * 12;
    } else if (last < kMonths && (in.TakeWord("mons") || in.TakeWord("mon"))) {
      last = kMonths;
      sum->months += amount;
    } else if (last < kDays && (in.TakeWord("days") || in.TakeWord("day"))) {
      last = kDays;
      sum->days = amount;
    } else {
      return Outcome::kMalformed;
    }
    if (in.done()) return Outcome::kOk;
    if (!in.Take(' ')) return Outcome::kMalformed;
  }
}

// Adds one number of an ISO 8601 duration; `step` orders the designators: Y M W D, then H M S.
// Returns false when the designator is unknown or out of order.
bool AddIsoField(Reader* in, Int128 amount, bool in_time, int* step, Sum* sum) {
  struct Designator {
    char letter;
    Int128 Sum::*field;
    int64_t factor;
  };
  static constexpr Designator kDesignators[] = {
      {'Y', &Sum::months, 12},
      {'M', &Sum::months, 1},
      {'W', &Sum::days, 7},
      {'D', &Sum::days, 1},
      {'H', &Sum::micros, kMicrosPerHour},
      {'M', &Sum::micros, kMicrosPerMinute},
      {'S', &Sum::micros, kMicrosPerSecond},
  };
  const int end = in_time ? 7 : 4;
  for (int i = *step; i < end; ++i) {
    if (!in->Take(kDesignators[i].letter)) continue;
    sum->*kDesignators[i].field += amount * kDesignators[i].factor;
    *step = i + 1;
    return true;
  }
  return false;
}

// REQUIRES: the P was taken.
Outcome ReadIso(Reader in, Sum* sum) {
  bool in_time = false;
  bool any_in_part = false;
  for (int step = 0; !in.done();) {
    if (in.Take('T')) {
      if (in_time) return Outcome::kMalformed;
      in_time = true;
      any_in_part = false;
      step = 4;
      continue;
    }
    const bool negative = in.Take('-');
    int64_t number = 0;
    if (!in.TakeNumber(&number)) return Outcome::kMalformed;
    const bool has_fraction = in.At('.');
    // Only seconds have fractions: "P0.5M" has no one meaning.
    if (!in.TakeFraction(&sum->fraction) || (has_fraction && !in.At('S'))) {
      return Outcome::kMalformed;
    }
    if (!AddIsoField(&in, negative ? -number : number, in_time, &step, sum)) {
      return Outcome::kMalformed;
    }
    any_in_part = true;
    if (has_fraction) {
      sum->fraction_negative = negative;
      sum->micros += negative ? -sum->fraction.micros : sum->fraction.micros;
    }
  }
  // Neither "P" nor "P1DT" says anything about the part it opens.
  return any_in_part ? Outcome::kOk : Outcome::kMalformed;
}

Outcome Finish(const Sum& sum, bool may_round, Interval* interval) {
  Int128 micros = sum.micros;
  if (sum.fraction.significant > 6) {
    if (!may_round) return Outcome::kLossy;
    if (sum.fraction.round_up) micros += sum.fraction_negative ? -1 : 1;
  }
  if (micros < INT64_MIN || micros > INT64_MAX || sum.days < INT32_MIN || sum.days > INT32_MAX ||
      sum.months < INT32_MIN || sum.months > INT32_MAX) {
    return Outcome::kOutOfRange;
  }
  interval->micros = static_cast<int64_t>(micros);
  interval->days = static_cast<int32_t>(sum.days);
  interval->months = static_cast<int32_t>(sum.months);
  return Outcome::kOk;
}

// What the server keeps in a column limited to fields: all above the last one named
// (src/backend/utils/adt/timestamp.c, AdjustIntervalForTypmod).
Interval CutToRange(int range, Interval value) {
  if (range == kFullRange || (range & kSecondField) != 0) return value;
  if ((range & kMinuteField) != 0) {
    value.micros -= value.micros % kMicrosPerMinute;
  } else if ((range & kHourField) != 0) {
    value.micros -= value.micros % kMicrosPerHour;
  } else if ((range & kDayField) != 0) {
    value.micros = 0;
  } else {
    value.micros = 0;
    value.days = 0;
    if ((range & kMonthField) == 0) value.months -= value.months % 12;
  }
  return value;
}

Outcome PutInterval(Interval value, const EncodeParams& params, FieldBuffer* out) {
  const Interval cut = CutToRange(RangeOf(params.typmod), value);
  if (!(cut == value) && !params.rules.round_to_typmod) return Outcome::kLossy;
  value = cut;
  if (params.scale >= 0 && params.scale < 6) {
    // Rounding up the largest of all intervals would overflow.
    const int64_t limit = INT64_MAX - kMicrosPerSecond;
    if (value.micros > limit || value.micros < -limit) return Outcome::kOutOfRange;
    const Outcome outcome =
        AdjustToScale(params.scale, params.rules.round_to_typmod, &value.micros);
    if (outcome != Outcome::kOk) return outcome;
  }
  out->PutInt32(16);
  out->PutInt64(value.micros);
  out->PutInt32(value.days);
  out->PutInt32(value.months);
  return Outcome::kOk;
}

// One "3 days" of the output; a sign is shown on the first positive part behind a negative one.
void AppendPart(int64_t value, absl::string_view unit, bool* any, bool* after_negative,
                std::string* text) {
  if (value == 0) return;
  absl::StrAppend(text, *any ? " " : "", *after_negative && value > 0 ? "+" : "", value, " ", unit,
                  value != 1 ? "s" : "");
  *after_negative = value < 0;
  *any = true;
}

}  // namespace

Outcome EncodeInterval(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  Sum sum;
  Reader in(value.bytes());
  const Outcome read = in.Take('P') ? ReadIso(in, &sum) : ReadPlain(in, &sum);
  if (read != Outcome::kOk) return read;
  Interval interval;
  const Outcome finished = Finish(sum, MayRoundMicros(params), &interval);
  return finished == Outcome::kOk ? PutInterval(interval, params, out) : finished;
}

Outcome EncodeIntervalFromInteger(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out) {
  Interval interval;
  const Outcome outcome = IntegerToDuration(value.integer, params.rules.integer,
                                            MayRoundMicros(params), &interval.micros);
  return outcome == Outcome::kOk ? PutInterval(interval, params, out) : outcome;
}

Outcome EncodeIntervalFromReal(const SourceValue& value, const EncodeParams& params,
                               FieldBuffer* out) {
  Interval interval;
  const Outcome outcome =
      RealToDuration(value.real, params.rules.real, MayRoundMicros(params), &interval.micros);
  return outcome == Outcome::kOk ? PutInterval(interval, params, out) : outcome;
}

// src/backend/utils/adt/datetime.c, EncodeInterval, INTSTYLE_POSTGRES.
bool DecodeInterval(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 16) return false;
  const int64_t micros = LoadInt64(field.data());
  const int32_t days = LoadInt32(field.data() + 8);
  const int32_t months = LoadInt32(field.data() + 12);
  bool any = false;
  bool after_negative = false;
  AppendPart(months / 12, "year", &any, &after_negative, text);
  AppendPart(months % 12, "mon", &any, &after_negative, text);
  AppendPart(days, "day", &any, &after_negative, text);
  if (any && micros == 0) return true;
  if (any) text->push_back(' ');
  if (micros < 0) {
    text->push_back('-');
  } else if (after_negative) {
    text->push_back('+');
  }
  // The magnitude of the smallest value does not fit a signed integer; its parts do.
  const int64_t seconds = micros / kMicrosPerSecond;
  const int64_t rest = micros % kMicrosPerSecond;
  const int64_t hours = seconds / 3600;
  const int64_t below_hours = (seconds % 3600) * kMicrosPerSecond + rest;
  std::string clock;
  AppendTime(below_hours < 0 ? -below_hours : below_hours, &clock);
  const int64_t shown_hours = hours < 0 ? -hours : hours;
  absl::StrAppend(text, shown_hours < 10 ? "0" : "", shown_hours, clock.substr(2));
  return true;
}

void BindInterval(const PgType& type, ColumnCodec* codec) {
  const int precision = PrecisionOf(type.typmod);
  codec->params.scale = precision <= 6 ? precision : -1;
}

// src/backend/utils/adt/timestamp.c, intervaltypmodout.
std::string IntervalTypmodText(int32_t typmod) {
  if (typmod < 0) return "";
  struct Name {
    int range;
    absl::string_view words;
  };
  static constexpr Name kNames[] = {
      {kYearField, " year"},
      {kMonthField, " month"},
      {kDayField, " day"},
      {kHourField, " hour"},
      {kMinuteField, " minute"},
      {kSecondField, " second"},
      {kYearField | kMonthField, " year to month"},
      {kDayField | kHourField, " day to hour"},
      {kDayField | kHourField | kMinuteField, " day to minute"},
      {kDayField | kHourField | kMinuteField | kSecondField, " day to second"},
      {kHourField | kMinuteField, " hour to minute"},
      {kHourField | kMinuteField | kSecondField, " hour to second"},
      {kMinuteField | kSecondField, " minute to second"},
  };
  std::string text;
  for (const Name& name : kNames) {
    if (name.range == RangeOf(typmod)) absl::StrAppend(&text, name.words);
  }
  if (PrecisionOf(typmod) != kFullPrecision) absl::StrAppend(&text, "(", PrecisionOf(typmod), ")");
  return text;
}

}  // namespace lite2pg
