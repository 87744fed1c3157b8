#include "coercion/datetime.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/time/civil_time.h"
#include "coercion/utf8.h"

namespace lite2pg {
namespace {

// The last year of PostgreSQL's dates; also what keeps days within 32 bits.
constexpr int kYearMax = 5'874'897;
// src/include/utils/timestamp.h, MAX_TZDISP_HOUR: offsets stay below 16 hours.
constexpr int kOffsetHoursMax = 15;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Tests eight bytes against a pattern at once: `pattern` ^ word leaves the digits' values where the
// pattern has '0' and zero where it has a separator. `slack` then carries into the top bit of every
// byte that is more than 9 or more than 0. A carry out of a byte needs a value above 0x80 there,
// which the test of the word itself has caught already.
constexpr bool Matches(uint64_t values, uint64_t slack) {
  return (((values + slack) | values) & 0x8080808080808080u) == 0;
}

constexpr uint64_t Pattern(const char (&text)[9]) {
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | static_cast<uint8_t>(text[i]);
  return word;
}

constexpr uint64_t Slack(uint64_t pattern) {
  uint64_t slack = 0;
  for (int i = 7; i >= 0; --i) {
    const bool is_digit = (pattern >> 8 * i & 0xff) == '0';
    slack = slack << 8 | (is_digit ? 0x76 : 0x7f);
  }
  return slack;
}

constexpr uint64_t kDatePattern = Pattern("0000-00-");
constexpr uint64_t kTimePattern = Pattern("00:00:00");
constexpr uint64_t kDateSlack = Slack(kDatePattern), kTimeSlack = Slack(kTimePattern);

constexpr int ByteAt(uint64_t word, int i) { return static_cast<int>(word >> 8 * i & 0xff); }
constexpr int PairAt(uint64_t word, int i) { return 10 * ByteAt(word, i) + ByteAt(word, i + 1); }

// The unread rest of the text.
struct Cursor {
  const char* p;
  const char* end;

  size_t left() const { return static_cast<size_t>(end - p); }
  bool At(char c) const { return p != end && *p == c; }
  bool Take(char c) {
    if (!At(c)) return false;
    ++p;
    return true;
  }
  bool TakePair(int* value) {
    if (left() < 2 || !IsDigit(p[0]) || !IsDigit(p[1])) return false;
    *value = 10 * (p[0] - '0') + (p[1] - '0');
    p += 2;
    return true;
  }
};

bool IsLeapYear(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[month - 1];
}

struct Day {
  int year = 0;
  int month = 0;
  int day = 0;
};

// Years of any other number of digits than four, as PostgreSQL prints them.
bool ParseWideDate(Cursor* in, Day* day) {
  int year_digits = 0;
  const bool starts_with_zero = in->At('0');
  for (; year_digits < 8 && in->p != in->end && IsDigit(*in->p); ++year_digits, ++in->p) {
    day->year = day->year * 10 + (*in->p - '0');
  }
  if (year_digits < 4 || year_digits > 7 || (starts_with_zero && year_digits > 4)) return false;
  return in->Take('-') && in->TakePair(&day->month) && in->Take('-') && in->TakePair(&day->day);
}

bool ParseDay(Cursor* in, Day* day) {
  if (in->left() < 10) return ParseWideDate(in, day);
  const uint64_t values = LoadWord(in->p) ^ kDatePattern;
  if (!Matches(values, kDateSlack)) [[unlikely]] return ParseWideDate(in, day);
  day->year = 100 * PairAt(values, 0) + PairAt(values, 2);
  day->month = PairAt(values, 5);
  in->p += 8;
  return in->TakePair(&day->day);
}

// Turns the calendar day into days since 2000-01-01.
Outcome CountDays(Day day, bool before_christ, int32_t* days) {
  if (day.month < 1 || day.month > 12 || day.day < 1) return Outcome::kMalformed;
  if (day.year < 1 || day.year > kYearMax) return Outcome::kOutOfRange;
  if (before_christ) day.year = 1 - day.year;
  if (day.day > DaysInMonth(day.year, day.month)) return Outcome::kMalformed;
  const int64_t count = DaysFromCivil(day.year, day.month, day.day);
  if (count < kPgDaysMin || count >= kPgDateDaysEnd) return Outcome::kOutOfRange;
  *days = static_cast<int32_t>(count);
  return Outcome::kOk;
}

// Digits behind a point, at least one.
bool ParseFraction(Cursor* in, DateTimeText* out) {
  const SecondsFraction fraction = ReadFraction(absl::string_view(in->p, in->left()));
  out->micros += fraction.micros;
  out->fraction_digits = fraction.significant;
  out->round_up = fraction.round_up;
  in->p += fraction.written;
  return fraction.written > 0;
}

// HH:MM[:SS[.f...]].
bool ParseTimeOfDay(Cursor* in, DateTimeText* out) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  bool seconds_written = true;
  const uint64_t values = in->left() >= 8 ? LoadWord(in->p) ^ kTimePattern : ~uint64_t{0};
  if (Matches(values, kTimeSlack)) [[likely]] {
    hour = PairAt(values, 0);
    minute = PairAt(values, 3);
    second = PairAt(values, 6);
    in->p += 8;
  } else {
    if (!in->TakePair(&hour) || !in->Take(':') || !in->TakePair(&minute)) return false;
    seconds_written = in->Take(':');
    if (seconds_written && !in->TakePair(&second)) return false;
  }
  if (hour > 24 || minute > 59 || second > 59) return false;
  out->micros = (hour * 3600 + minute * 60 + second) * kMicrosPerSecond;
  if (seconds_written && in->Take('.') && !ParseFraction(in, out)) return false;
  // 24:00:00 is the end of the day and nothing is later.
  return hour < 24 || (out->micros == kMicrosPerDay && out->fraction_digits == 0);
}

bool IsZoneNameChar(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || IsDigit(c) || c == '+' || c == '-';
}

// What Go's time.String() writes behind the offset: the zone's abbreviation and, unless it was
// stripped, the reading of the process's monotonic clock. Neither adds to the instant.
bool SkipGoSuffix(Cursor* in) {
  constexpr int kZoneNameMax = 10;
  if (!in->Take(' ')) return false;
  const char* const name = in->p;
  while (in->p != in->end && in->p - name < kZoneNameMax && IsZoneNameChar(*in->p)) ++in->p;
  if (in->p == name) return false;
  if (in->p == in->end) return true;
  if (!in->Take(' ') || !in->Take('m') || !in->Take('=')) return false;
  if (!in->Take('+') && !in->Take('-')) return false;
  const char* const clock = in->p;
  while (in->p != in->end && (IsDigit(*in->p) || *in->p == '.')) ++in->p;
  return in->p != clock && in->p == in->end;
}

// An offset up to the end of the text. REQUIRES: something is left.
bool ParseOffset(Cursor* in, DateTimeText* out) {
  const bool spaced = in->Take(' ');
  if (in->Take('Z') || in->Take('z')) return in->p == in->end;
  if (spaced && in->left() == 3 && in->p[0] == 'U' && in->p[1] == 'T' && in->p[2] == 'C') {
    return true;
  }
  const bool west = in->At('-');
  if (!in->Take('+') && !in->Take('-')) return false;
  int hour = 0;
  int minute = 0;
  int second = 0;
  bool compact = false;
  if (!in->TakePair(&hour)) return false;
  if (in->Take(':')) {
    if (!in->TakePair(&minute) || (in->Take(':') && !in->TakePair(&second))) return false;
  } else {
    compact = in->TakePair(&minute);
  }
  if (hour > kOffsetHoursMax || minute > 59 || second > 59) return false;
  out->offset_seconds = (hour * 3600 + minute * 60 + second) * (west ? -1 : 1);
  if (in->p == in->end) return true;
  return spaced && compact && SkipGoSuffix(in);
}

Outcome ParseInfinity(absl::string_view text, DateTimeText* out) {
  out->negative = text.front() == '-';
  if (text.substr(out->negative ? 1 : 0) != "infinity") return Outcome::kMalformed;
  out->shape = DateTimeShape::kInfinity;
  return Outcome::kOk;
}

Outcome ParseTimeOnly(Cursor in, DateTimeText* out) {
  if (!ParseTimeOfDay(&in, out)) return Outcome::kMalformed;
  const bool has_offset = in.p != in.end;
  if (has_offset && !ParseOffset(&in, out)) return Outcome::kMalformed;
  out->shape = has_offset ? DateTimeShape::kTimeOffset : DateTimeShape::kTime;
  return Outcome::kOk;
}

Outcome Parse(absl::string_view text, DateTimeText* out) {
  Cursor in{text.data(), text.data() + text.size()};
  // The shortest of all forms is HH:MM, the next ones are HH:MM+00 and a day.
  if (text.size() < 5) return Outcome::kMalformed;
  if (in.p[2] == ':') return ParseTimeOnly(in, out);
  if (!IsDigit(*in.p)) return ParseInfinity(text, out);
  const bool before_christ = in.end[-1] == 'C' && absl::EndsWith(text, " BC");
  if (before_christ) in.end -= 3;

  Day day;
  if (!ParseDay(&in, &day)) return Outcome::kMalformed;
  const Outcome counted = CountDays(day, before_christ, &out->days);
  if (counted != Outcome::kOk) return counted;
  out->shape = DateTimeShape::kDate;
  if (in.p == in.end) return Outcome::kOk;

  if (!in.Take(' ') && !in.Take('T') && !in.Take('t')) return Outcome::kMalformed;
  // The end of a day as a part of a timestamp is another spelling of the next day, which would
  // not be given back; PostgreSQL's input takes it, writers do not write it.
  if (!ParseTimeOfDay(&in, out) || out->micros == kMicrosPerDay) return Outcome::kMalformed;
  out->shape = DateTimeShape::kDateTime;
  if (in.p == in.end) return Outcome::kOk;
  if (!ParseOffset(&in, out)) return Outcome::kMalformed;
  out->shape = DateTimeShape::kDateTimeOffset;
  return Outcome::kOk;
}

void AppendPadded(int64_t value, int width, std::string* text) {
  char digits[20];
  int n = 0;
  for (; value > 0 || n < width; value /= 10) digits[n++] = static_cast<char>('0' + value % 10);
  while (n > 0) text->push_back(digits[--n]);
}

// Appends the day without its era; returns whether it is before Christ.
bool AppendDay(int64_t days, std::string* text) {
  // Days to a civil date by eras of 400 years that begin on March 1, so that the leap day is last
  // (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  const int64_t shifted = days + kUnixToPgDays + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t leap_days = year_of_era / 4 - year_of_era / 100;
  const int64_t day_of_year = day_of_era - 365 * year_of_era - leap_days;
  const int64_t march_month = (5 * day_of_year + 2) / 153;
  const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  AppendPadded(year > 0 ? year : 1 - year, 4, text);
  text->push_back('-');
  AppendPadded(month, 2, text);
  text->push_back('-');
  AppendPadded(day_of_year - (153 * march_month + 2) / 5 + 1, 2, text);
  return year <= 0;
}

}  // namespace

Outcome ParseDateTime(absl::string_view text, DateTimeText* out) {
  *out = DateTimeText();
  const Outcome outcome = Parse(text, out);
  if (outcome != Outcome::kOk) out->shape = DateTimeShape::kNone;
  return outcome;
}

DateTimeClass ClassifyDateTime(absl::string_view text) {
  DateTimeText parsed;
  DateTimeClass result;
  if (ParseDateTime(text, &parsed) != Outcome::kOk) return result;
  result.shape = parsed.shape;
  result.fraction_digits = parsed.fraction_digits;
  result.offset_is_zero = parsed.offset_seconds == 0 &&
                          (parsed.shape == DateTimeShape::kDateTimeOffset ||
                           parsed.shape == DateTimeShape::kTimeOffset);
  return result;
}

Outcome AdjustToScale(int digits, bool round, int64_t* micros) {
  static constexpr int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  const int64_t unit = kUnits[std::clamp(digits, 0, 6)];
  const int64_t rest = *micros % unit;
  if (rest == 0) return Outcome::kOk;
  if (!round) return Outcome::kLossy;
  *micros -= rest;
  if (2 * rest >= unit) *micros += unit;
  if (2 * rest <= -unit) *micros -= unit;
  return Outcome::kOk;
}

Outcome LocalToUnixSeconds(int64_t seconds, const absl::TimeZone& zone, int64_t* unix_seconds) {
  const absl::CivilSecond local = absl::CivilSecond(2000, 1, 1) + seconds;
  const absl::TimeZone::TimeInfo info = zone.At(local);
  if (info.kind != absl::TimeZone::TimeInfo::UNIQUE) return Outcome::kAmbiguous;
  *unix_seconds = absl::ToUnixSeconds(info.pre);
  return Outcome::kOk;
}

int64_t DaysFromCivil(int64_t year, int month, int day) {
  // The inverse of AppendDay, from the same source.
  const int64_t march_year = month <= 2 ? year - 1 : year;
  const int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
  const int64_t year_of_era = march_year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468 - kUnixToPgDays;
}

void AppendDate(int64_t days, std::string* text) {
  if (AppendDay(days, text)) text->append(" BC");
}

void AppendTime(int64_t micros, std::string* text) {
  const int64_t seconds = micros / kMicrosPerSecond;
  AppendPadded(seconds / 3600, 2, text);
  text->push_back(':');
  AppendPadded(seconds / 60 % 60, 2, text);
  text->push_back(':');
  AppendPadded(seconds % 60, 2, text);
  const int64_t fraction = micros % kMicrosPerSecond;
  if (fraction == 0) return;
  text->push_back('.');
  AppendPadded(fraction, 6, text);
  while (text->back() == '0') text->pop_back();
}

void AppendTimestamp(int64_t micros, absl::string_view offset, std::string* text) {
  int64_t days = micros / kMicrosPerDay;
  int64_t of_day = micros % kMicrosPerDay;
  if (of_day < 0) {
    of_day += kMicrosPerDay;
    --days;
  }
  const bool before_christ = AppendDay(days, text);
  text->push_back(' ');
  AppendTime(of_day, text);
  text->append(offset.data(), offset.size());
  if (before_christ) text->append(" BC");
}

void AppendOffset(int32_t seconds_east, std::string* text) {
  text->push_back(seconds_east < 0 ? '-' : '+');
  const int32_t seconds = seconds_east < 0 ? -seconds_east : seconds_east;
  AppendPadded(seconds / 3600, 2, text);
  if (seconds % 3600 == 0) return;
  text->push_back(':');
  AppendPadded(seconds / 60 % 60, 2, text);
  if (seconds % 60 == 0) return;
  text->push_back(':');
  AppendPadded(seconds % 60, 2, text);
}

}  // namespace lite2pg
