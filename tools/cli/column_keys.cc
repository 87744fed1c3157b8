// What a configuration file may say about one table or one column.
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/plan/reading_names.h"
#include "tools/cli/option_choices.h"
#include "tools/cli/option_table.h"
#include "tools/cli/option_values.h"

namespace lite2pg {
namespace {

absl::Status Put(absl::string_view value, std::string* out) {
  if (value.empty()) return absl::InvalidArgumentError("needs a value that is not empty");
  *out = std::string(value);
  return absl::OkStatus();
}

absl::Status RefuseSecondSpread(const TableConfig& table) {
  if (table.distribute.empty() && !table.reference && table.hypertable.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("a table is spread in one way only");
}

absl::Status PutSpread(absl::string_view value, TableConfig* table, std::string* out) {
  RETURN_IF_ERROR(RefuseSecondSpread(*table));
  return Put(value, out);
}

template <typename E, size_t N>
absl::Status ChooseReading(absl::string_view value, const absl::string_view (&names)[N],
                           std::optional<E>* out) {
  std::vector<std::string> known;
  for (size_t i = 0; i < N; ++i) {
    if (value == names[i]) {
      *out = static_cast<E>(i);
      return absl::OkStatus();
    }
    known.emplace_back(names[i]);
  }
  return NotOneOf(value, known);
}

absl::Status ApplyRound(absl::string_view value, ColumnConfig* column) {
  enum class Round { kMicroseconds, kTypmod, kFloat4 };
  constexpr Choice<Round> kRounds[] = {{"microseconds", Round::kMicroseconds},
                                       {"typmod", Round::kTypmod},
                                       {"float4", Round::kFloat4}};
  Round round = Round::kTypmod;
  RETURN_IF_ERROR(Choose(value, kRounds, &round));
  ReadingOverrides& reading = column->reading;
  (round == Round::kMicroseconds ? reading.round_to_microseconds
   : round == Round::kTypmod     ? reading.round_to_typmod
                                 : reading.round_to_float4) = true;
  return absl::OkStatus();
}

absl::Status ApplyOnBadValue(absl::string_view value, ColumnConfig* column) {
  enum class Choices { kStop, kReject, kNull };
  constexpr Choice<Choices> kChoices[] = {
      {"stop", Choices::kStop}, {"reject", Choices::kReject}, {"null", Choices::kNull}};
  Choices choice = Choices::kStop;
  RETURN_IF_ERROR(Choose(value, kChoices, &choice));
  if (choice == Choices::kNull) {
    column->bad_value = BadValueRule::kNull;
  } else {
    column->on_bad_value = choice == Choices::kReject ? OnBadValue::kReject : OnBadValue::kStop;
  }
  return absl::OkStatus();
}

constexpr TableKeyRow kTableKeys[] = {
    {"rename", "NAME", "name of the table in the target",
     [](absl::string_view v, TableConfig* t) { return Put(v, &t->rename); }},
    {"where", "CONDITION", "as --where",
     [](absl::string_view v, TableConfig* t) { return Put(v, &t->where); }},
    {"distribute", "COLUMN", "Citus: spread the table over the servers by this column",
     [](absl::string_view v, TableConfig* t) { return PutSpread(v, t, &t->distribute); }},
    {"reference", "true", "Citus: a copy of the table on every server",
     [](absl::string_view v, TableConfig* t) {
       if (v != "true") return absl::InvalidArgumentError("true is all that it can be");
       RETURN_IF_ERROR(RefuseSecondSpread(*t));
       t->reference = true;
       return absl::OkStatus();
     }},
    {"hypertable", "COLUMN", "TimescaleDB: cut the table into chunks by this column of time",
     [](absl::string_view v, TableConfig* t) { return PutSpread(v, t, &t->hypertable); }},
    {"chunk-interval", "INTERVAL",
     "TimescaleDB: how much of it goes into a chunk: an interval, or a number for integers",
     [](absl::string_view v, TableConfig* t) { return Put(v, &t->chunk_interval); }},
};

constexpr ColumnKeyRow kColumnKeys[] = {
    {"rename", "NAME", "name of the column in the target",
     [](absl::string_view v, ColumnConfig* c) { return Put(v, &c->rename); }, Supported::kYes,
     /*of_types=*/false},
    {"type", "TYPE", "type in the target as SQL writes it, for a column that is created",
     [](absl::string_view v, ColumnConfig* c) { return Put(v, &c->type); }},
    {"integer", "READING", "what integers stand for in a column of dates or times",
     [](absl::string_view v, ColumnConfig* c) {
       return ChooseReading(v, kNumberReadingNames, &c->reading.integer);
     }},
    {"real", "READING", "what reals stand for in a column of dates or times",
     [](absl::string_view v, ColumnConfig* c) {
       return ChooseReading(v, kNumberReadingNames, &c->reading.real);
     }},
    {"text", "plain|hex|base64", "what text stands for in a bytea column",
     [](absl::string_view v, ColumnConfig* c) {
       return ChooseReading(v, kTextReadingNames, &c->reading.text);
     }},
    {"blob", "READING", "what blobs stand for",
     [](absl::string_view v, ColumnConfig* c) {
       return ChooseReading(v, kBlobReadingNames, &c->reading.blob);
     }},
    {"offset", "refuse|zero|utc",
     "text with a UTC offset in a timestamp column: zero, if all values have one and it is zero; "
     "utc, allowing its loss: UTC's clock is stored",
     [](absl::string_view v, ColumnConfig* c) {
       return ChooseReading(v, kOffsetReadingNames, &c->reading.offset);
     }},
    {"round", "microseconds|typmod|float4",
     "allow the loss of what the type cannot hold; one word or a list",
     [](absl::string_view v, ColumnConfig* c) { return ApplyRound(v, c); }},
    {"exclude", "true|false", "do not copy the column; only into tables that are there",
     [](absl::string_view v, ColumnConfig* c) { return ChooseFlag(v, &c->exclude); },
     Supported::kYes, /*of_types=*/false},
    {"empty-as-null", "true|false", "as --empty-as-null",
     [](absl::string_view v, ColumnConfig* c) { return ChooseFlag(v, &c->empty_as_null); }},
    {"fill", "VALUE", "as --fill",
     [](absl::string_view v, ColumnConfig* c) {
       ASSIGN_OR_RETURN(c->fill, ParseFill(v));
       return absl::OkStatus();
     },
     Supported::kYes, /*of_types=*/false},
    {"on-bad-value", "stop|reject|null", "as --on-bad-value, for this column; null stores NULL",
     ApplyOnBadValue},
    {"bad-value-default", "VALUE", "what is stored instead of a value without a faithful form",
     [](absl::string_view v, ColumnConfig* c) {
       c->bad_value = BadValueRule::kDefault;
       c->bad_value_default = std::string(v);
       return absl::OkStatus();
     }},
    {"escape-text", "true|false",
     "store \\xNN for bytes that PostgreSQL's text cannot hold: NUL, and what is not UTF-8",
     [](absl::string_view v, ColumnConfig* c) { return ChooseFlag(v, &c->reading.escape_text); }},
    {"source-time-zone", "ZONE", "as --source-time-zone, for this column",
     [](absl::string_view v, ColumnConfig* c) {
       RETURN_IF_ERROR(CheckTimeZone(v));
       c->reading.source_time_zone = std::string(v);
       return absl::OkStatus();
     }},
};

}  // namespace

absl::Span<const TableKeyRow> AllTableKeys() { return kTableKeys; }
absl::Span<const ColumnKeyRow> AllColumnKeys() { return kColumnKeys; }

}  // namespace lite2pg
