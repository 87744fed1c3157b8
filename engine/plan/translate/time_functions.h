// SQLite's date and time functions, where they have a counterpart; private to
// engine/plan/translate.
//
// Reference: https://www.sqlite.org/lang_datefunc.html. 'now' is UTC there and stable within a
// statement; now() is stable within a transaction.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_TIME_FUNCTIONS_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_TIME_FUNCTIONS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/plan/translate/typed_sql.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// What a call says about the current time.
struct NowValue {
  enum class Unit : uint8_t { kDay, kTime, kSecond, kMillisecond, kEpoch, kJulianDay };
  Unit unit = Unit::kSecond;
  std::string timestamp_sql;  // a timestamp without time zone in UTC, not rounded
  bool modified = false;      // not simply the current time
  std::string text_format;    // for to_char(); "" for kEpoch and kJulianDay
};

bool IsTimeFunction(absl::string_view name);

// CURRENT_TIMESTAMP and its like, and calls of date(), time(), datetime(), strftime(), unixepoch()
// and julianday() on 'now'. nullopt for other expressions and for calls on anything but 'now'.
// Refuses modifiers without counterpart, such as 'localtime'.
absl::StatusOr<std::optional<NowValue>> ReadNow(const Expr& expr);

// The text (or number) that the expression gives.
absl::StatusOr<TypedSql> NowAsSql(const NowValue& now);
absl::StatusOr<TypedSql> CurrentTimeText(const Expr& expr);

// date() or datetime() of one literal in ISO form, computed here. nullopt for anything else.
std::optional<std::string> ConstantDateTime(const Expr& expr);

// The current time as a value of `target`, or the reason why it has none there.
absl::StatusOr<std::string> NowAsTarget(const NowValue& now, const PgType& target,
                                        const ReadingRules& rules);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_TIME_FUNCTIONS_H_
