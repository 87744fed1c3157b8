#include "engine/plan/translate/time_functions.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coercion/datetime.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

using Unit = NowValue::Unit;

constexpr absl::string_view kUtcNow = "(now() AT TIME ZONE 'UTC')";

// One modifier applied to a timestamp. Months and years are left out: SQLite lets 31 January plus
// a month become 3 March, PostgreSQL the last of February.
absl::Status ApplyModifier(absl::string_view modifier, NowValue* now) {
  const std::string text = absl::AsciiStrToLower(absl::StripAsciiWhitespace(modifier));
  for (const absl::string_view unit : {"day", "month", "year"}) {
    if (text != absl::StrCat("start of ", unit)) continue;
    now->timestamp_sql = absl::StrCat("date_trunc('", unit, "', ", now->timestamp_sql, ")");
    now->modified = true;
    return absl::OkStatus();
  }
  if (text == "localtime") {
    return Refuse("'localtime', which depends on the machine that runs SQLite");
  }
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  int64_t number = 0;
  if (words.size() == 2 && absl::SimpleAtoi(words[0], &number)) {
    std::string unit = words[1];
    if (!unit.empty() && unit.back() == 's') unit.pop_back();
    const bool known = unit == "day" || unit == "hour" || unit == "minute" || unit == "second";
    // A bound far beyond sense keeps the interval's own arithmetic from overflowing.
    if (known && number > -1'000'000'000 && number < 1'000'000'000) {
      now->timestamp_sql =
          absl::StrCat("(", now->timestamp_sql, " + interval '", number, " ", unit, "')");
      now->modified = true;
      return absl::OkStatus();
    }
  }
  return Refuse(absl::StrCat("the date modifier '", EscapeForMessage(modifier), "'"));
}

// strftime's format as one for to_char(). Everything but digits' usual separators is quoted.
absl::StatusOr<std::string> ConvertFormat(absl::string_view format, Unit* unit) {
  std::string out, literal;
  const auto flush = [&] {
    if (!literal.empty()) absl::StrAppend(&out, "\"", literal, "\"");
    literal.clear();
  };
  *unit = Unit::kSecond;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c != '%') {
      const bool plain = c == '-' || c == ':' || c == ' ' || c == '.' || c == '/';
      if (plain) flush();
      if (c == '"' || c == '\\') literal.push_back('\\');
      plain ? out.push_back(c) : literal.push_back(c);
      continue;
    }
    flush();
    if (++i == format.size()) return Refuse("a strftime() format that ends in %");
    switch (format[i]) {
      case 'Y': out += "YYYY"; break;
      case 'm': out += "MM"; break;
      case 'd': out += "DD"; break;
      case 'H': out += "HH24"; break;
      case 'M': out += "MI"; break;
      case 'S': out += "SS"; break;
      case 'j': out += "DDD"; break;
      case 'f': out += "SS.MS"; *unit = Unit::kMillisecond; break;
      case '%': literal += "%"; break;
      default: return Refuse(absl::StrCat("strftime() with %", format.substr(i, 1)));
    }
  }
  flush();
  return out;
}

// The unit that a format shows, when text of this form is also a date, time or timestamp.
std::optional<Unit> UnitOfFormat(absl::string_view format) {
  if (format == "YYYY-MM-DD") return Unit::kDay;
  if (format == "HH24:MI:SS") return Unit::kTime;
  for (const absl::string_view end : {"", "\"Z\""}) {
    for (const absl::string_view t : {" ", "\"T\""}) {
      const std::string day = absl::StrCat("YYYY-MM-DD", t, "HH24:MI:SS");
      if (format == absl::StrCat(day, end)) return Unit::kSecond;
      if (format == absl::StrCat(day, ".MS", end)) return Unit::kMillisecond;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<NowValue>> ReadStrftime(const Expr& expr, NowValue now) {
  if (expr.args[0]->kind != ExprKind::kString) return Refuse("strftime() without a literal format");
  const std::string& format = expr.args[0]->text;
  if (!IsValidUtf8(format)) return Refuse("a string is not valid UTF-8");
  if (format == "%s") {
    now.unit = Unit::kEpoch;
  } else if (format == "%J") {
    return Refuse("strftime('%J'), whose digits differ");
  } else {
    ASSIGN_OR_RETURN(now.text_format, ConvertFormat(format, &now.unit));
  }
  return now;
}

std::string EpochSql(const NowValue& now) {
  const std::string source =
      now.modified ? absl::StrCat("(", now.timestamp_sql, " AT TIME ZONE 'UTC')") : "now()";
  return absl::StrCat("floor(extract(epoch FROM ", source, "))::bigint");
}

std::string JulianSql(const NowValue& now) {
  // Unix time began at noon-based Julian day 2440587.5.
  return absl::StrCat("(extract(epoch FROM ", now.timestamp_sql,
                      ")::float8 / 86400::float8 + 2440587.5::float8)");
}

}  // namespace

bool IsTimeFunction(absl::string_view name) {
  return name == "date" || name == "time" || name == "datetime" || name == "strftime" ||
         name == "unixepoch" || name == "julianday";
}

absl::StatusOr<std::optional<NowValue>> ReadNow(const Expr& expr) {
  NowValue now;
  now.timestamp_sql = std::string(kUtcNow);
  if (expr.kind == ExprKind::kCurrentTime) {
    if (expr.text == "CURRENT_DATE") now.unit = Unit::kDay;
    if (expr.text == "CURRENT_TIME") now.unit = Unit::kTime;
  } else if (expr.kind != ExprKind::kFunction ||
             !IsTimeFunction(absl::AsciiStrToLower(expr.text))) {
    return std::optional<NowValue>();
  }
  const std::string name = absl::AsciiStrToLower(expr.text);
  // strftime() has its format first; without a time all of them take 'now'.
  const size_t time_at = name == "strftime" ? 1 : 0;
  if (expr.kind == ExprKind::kFunction) {
    if (expr.args.size() < time_at) return Refuse("strftime() without a format");
    if (expr.args.size() > time_at) {
      const Expr& time = *expr.args[time_at];
      const bool is_now = time.kind == ExprKind::kString &&
                          absl::AsciiStrToLower(time.text) == "now";
      if (!is_now) return std::optional<NowValue>();
    }
  }
  for (size_t i = time_at + 1; i < expr.args.size(); ++i) {
    if (expr.args[i]->kind != ExprKind::kString) return Refuse("a date modifier that is computed");
    RETURN_IF_ERROR(ApplyModifier(expr.args[i]->text, &now));
  }
  if (name == "date") now.unit = Unit::kDay;
  if (name == "time") now.unit = Unit::kTime;
  if (name == "unixepoch") now.unit = Unit::kEpoch;
  if (name == "julianday") now.unit = Unit::kJulianDay;
  if (name == "strftime") return ReadStrftime(expr, std::move(now));
  switch (now.unit) {
    case Unit::kDay: now.text_format = "YYYY-MM-DD"; break;
    case Unit::kTime: now.text_format = "HH24:MI:SS"; break;
    case Unit::kSecond: now.text_format = "YYYY-MM-DD HH24:MI:SS"; break;
    default: break;
  }
  return std::optional<NowValue>(std::move(now));
}

absl::StatusOr<TypedSql> NowAsSql(const NowValue& now) {
  if (now.unit == Unit::kEpoch) {
    return IntegerValue(EpochSql(now), -9e18, 9e18, 64);
  }
  if (now.unit == Unit::kJulianDay) {
    TypedSql value = FloatValue(JulianSql(now), NumberClass::kReal);
    value.maybe_infinite = false;
    return value;
  }
  return TextValue(absl::StrCat("to_char(", now.timestamp_sql, ", ",
                                QuoteLiteral(now.text_format), ")"));
}

absl::StatusOr<TypedSql> CurrentTimeText(const Expr& expr) {
  ASSIGN_OR_RETURN(const std::optional<NowValue> now, ReadNow(expr));
  if (!now.has_value()) return Refuse("a date function on anything but 'now'");
  ASSIGN_OR_RETURN(TypedSql value, NowAsSql(*now));
  if (now->unit == Unit::kEpoch && absl::AsciiStrToLower(expr.text) == "strftime") {
    // Text to SQLite, but text of an integer.
    const std::string integer = value.sql;
    value = TextValue(absl::StrCat(integer, "::text"));
    value.integer_sql = integer;
  }
  return value;
}

std::optional<std::string> ConstantDateTime(const Expr& expr) {
  const std::string name = absl::AsciiStrToLower(expr.text);
  if (expr.kind != ExprKind::kFunction || expr.args.size() != 1 ||
      expr.args[0]->kind != ExprKind::kString || (name != "date" && name != "datetime")) {
    return std::nullopt;
  }
  const std::string& text = expr.args[0]->text;
  DateTimeText parsed;
  if (ParseDateTime(text, &parsed) != Outcome::kOk) return std::nullopt;
  const bool date_only = parsed.shape == DateTimeShape::kDate && text.size() == 10;
  const bool full = parsed.shape == DateTimeShape::kDateTime && text.size() == 19 &&
                    text[10] == ' ' && text.substr(11, 2) != "24";
  if (!date_only && !full) return std::nullopt;
  if (name == "date") return text.substr(0, 10);
  return full ? text : absl::StrCat(text, " 00:00:00");
}

absl::StatusOr<std::string> NowAsTarget(const NowValue& now, const PgType& target,
                                        const ReadingRules& rules) {
  const bool stamp = target.oid == kOidTimestamp || target.oid == kOidTimestamptz;
  const bool zoned = target.oid == kOidTimestamptz;
  const auto in_zone = [&](const std::string& timestamp) {
    return zoned ? absl::StrCat("(", timestamp, " AT TIME ZONE 'UTC')") : timestamp;
  };
  const auto truncated = [&](absl::string_view unit) {
    // Cutting to seconds or less is the same in every zone.
    if (zoned && !now.modified) return absl::StrCat("date_trunc('", unit, "', now())");
    return in_zone(absl::StrCat("date_trunc('", unit, "', ", now.timestamp_sql, ")"));
  };
  if (now.unit == Unit::kEpoch || now.unit == Unit::kJulianDay) {
    const bool epoch = now.unit == Unit::kEpoch;
    if (stamp && epoch && rules.integer == NumberReading::kUnixSeconds) return truncated("second");
    if (stamp && !epoch && rules.real == NumberReading::kJulianDay) {
      return truncated("milliseconds");
    }
    return Refuse("a number as the time of a column whose numbers have no reading");
  }
  const std::optional<Unit> unit = UnitOfFormat(now.text_format);
  if (unit == Unit::kDay && target.oid == kOidDate) {
    return absl::StrCat(now.timestamp_sql, "::date");
  }
  if (unit == Unit::kTime && target.oid == kOidTime) {
    return absl::StrCat("date_trunc('second', ", now.timestamp_sql, ")::time");
  }
  if (stamp && unit == Unit::kDay) {
    return in_zone(absl::StrCat("date_trunc('day', ", now.timestamp_sql, ")"));
  }
  if (stamp && unit == Unit::kSecond) return truncated("second");
  if (stamp && unit == Unit::kMillisecond) return truncated("milliseconds");
  return Refuse(absl::StrCat("the current time in this form has no faithful value of type ",
                             target.sql_name));
}

}  // namespace lite2pg
