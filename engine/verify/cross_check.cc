#include "engine/verify/cross_check.h"

#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "coercion/datetime.h"
#include "coercion/decimal.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/table_scan.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

constexpr size_t kShownBytesMax = 120;  // of a stored value

std::string HexOf(absl::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
  }
  return hex;
}

// What a domain is over decides how it reads.
const PgType& BaseOf(const PgType& type) {
  return type.kind == TypeKind::kDomain && type.base != nullptr ? *type.base : type;
}

bool IsStamp(Oid oid) { return oid == kOidDate || oid == kOidTimestamp || oid == kOidTimestamptz; }

bool IsTextual(Oid oid) {
  return oid == kOidText || oid == kOidVarchar || oid == kOidBpchar || oid == kOidName;
}

// ---- Numbers that stand for dates and times ---------------------------------------------------

// Microseconds since 1970 of $1, in the server's exact arithmetic.
std::string MicrosExpression(NumberReading reading) {
  const std::string x = "$1::pg_catalog.numeric";
  switch (reading) {
    case NumberReading::kNone: break;
    case NumberReading::kUnixSeconds: return x + " * 1000000";
    case NumberReading::kUnixMillis: return x + " * 1000";
    case NumberReading::kUnixMicros: return x;
    case NumberReading::kUnixNanos: return x + " / 1000";
    case NumberReading::kJulianDay:
      return "pg_catalog.round((" + x + " - 2440587.5) * 86400000) * 1000";
    case NumberReading::kDotNetTicks: return x + " / 10 - 62135596800000000";
    case NumberReading::kAppleSeconds: return "(" + x + " + 978307200) * 1000000";
    case NumberReading::kChromeMicros: return x + " - 11644473600000000";
  }
  return "";
}

std::optional<ServerReading> InstantReading(const std::string& text, NumberReading reading,
                                            const ColumnPlan& column) {
  const Oid oid = BaseOf(column.type).oid;
  const std::string micros = MicrosExpression(reading);
  if (!IsStamp(oid) || micros.empty()) return std::nullopt;  // lengths of time
  // make_interval takes doubles, which are exact for this many seconds and this many microseconds.
  const std::string whole = absl::StrCat("pg_catalog.round(", micros, ")::pg_catalog.int8");
  const std::string instant = absl::StrCat(
      "('epoch'::pg_catalog.timestamp + (", whole, " / 1000000)::pg_catalog.float8 * interval "
      "'1 second' + (", whole, " % 1000000)::pg_catalog.float8 * interval '1 microsecond')");
  const absl::string_view utc = oid == kOidTimestamptz ? " AT TIME ZONE 'UTC'" : "";
  return ServerReading{absl::StrCat("(", instant, utc, ")::", column.type.sql_name), text};
}

// ---- Text ------------------------------------------------------------------------------------

// .NET's TimeSpan, d.hh:mm:ss, which the server would take for a fraction of days.
std::string WithDaysSpelledOut(absl::string_view text) {
  const size_t dot = text.find('.');
  const size_t colon = text.find(':');
  if (dot == absl::string_view::npos || colon == absl::string_view::npos || dot > colon) {
    return std::string(text);
  }
  const absl::string_view sign = absl::StartsWith(text, "-") ? "-" : "";
  return absl::StrCat(text.substr(0, dot), " days ", sign, text.substr(dot + 1));
}

// Whether a length of time has digits below a microsecond: the server rounds those its own way.
bool HasMoreThanMicros(absl::string_view text) {
  const size_t dot = text.rfind('.');
  if (dot == absl::string_view::npos) return false;
  if (text.find(':', dot) != absl::string_view::npos) return false;  // it ends the days
  return ReadFraction(text.substr(dot + 1)).significant > 6;
}

std::optional<ServerReading> TextReadingOf(absl::string_view text, const ColumnPlan& column) {
  const Oid oid = BaseOf(column.type).oid;
  const ReadingRules& rules = column.rules;
  if (text.empty() && rules.empty_text_as_null) return std::nullopt;
  if (oid == kOidBytea) {
    switch (rules.text) {
      case TextReading::kPlain:
        // Text with a NUL is no parameter; nor is malformed text.
        if (text.find('\0') != absl::string_view::npos) return std::nullopt;
        return ServerReading{"pg_catalog.convert_to($1, 'UTF8')", std::string(text)};
      case TextReading::kHex:
        return ServerReading{
            "pg_catalog.decode(pg_catalog.regexp_replace($1, '^\\\\x', ''), 'hex')",
            std::string(text)};
      case TextReading::kBase64:
        return ServerReading{"pg_catalog.decode($1, 'base64')", std::string(text)};
    }
  }
  std::string expression = absl::StrCat("$1::", column.type.sql_name);
  if (oid == kOidInterval) {
    if (HasMoreThanMicros(text)) return std::nullopt;
    return ServerReading{expression, WithDaysSpelledOut(text)};
  }
  const bool temporal = IsStamp(oid) || oid == kOidTime || oid == kOidTimetz;
  if (temporal) {
    const DateTimeClass form = ClassifyDateTime(text);
    // The server rounds what lies behind the sixth digit by way of a double.
    if (form.fraction_digits > 6) return std::nullopt;
    const bool naive = form.shape == DateTimeShape::kDate || form.shape == DateTimeShape::kDateTime;
    if (oid == kOidTimestamptz && naive && rules.source_time_zone != "UTC") {
      expression = absl::StrCat("($1::pg_catalog.timestamp AT TIME ZONE ",
                                QuoteLiteral(rules.source_time_zone), ")::", column.type.sql_name);
    }
  }
  return ServerReading{std::move(expression), std::string(text)};
}

// ---- The other classes -----------------------------------------------------------------------

std::optional<ServerReading> IntegerReadingOf(int64_t value, const ColumnPlan& column) {
  const Oid oid = BaseOf(column.type).oid;
  const std::string text = absl::StrCat(value);
  if (column.rules.integer != NumberReading::kNone) {
    return InstantReading(text, column.rules.integer, column);
  }
  if (oid == kOidBytea) return ServerReading{"pg_catalog.convert_to($1, 'UTF8')", text};
  if (oid == kOidBool) return ServerReading{"$1::pg_catalog.int4::pg_catalog.bool", text};
  return ServerReading{absl::StrCat("$1::", column.type.sql_name), text};
}

std::optional<ServerReading> RealReadingOf(double value, const ColumnPlan& column) {
  const Oid oid = BaseOf(column.type).oid;
  const std::string text = ShortestReal(value);
  if (column.rules.real != NumberReading::kNone) {
    return InstantReading(text, column.rules.real, column);
  }
  switch (oid) {
    case kOidFloat8:
      return ServerReading{absl::StrCat("$1::", column.type.sql_name), text};
    case kOidNumeric: {
      // Never all digits of a large double: the shortest decimal that reads back is what is stored.
      NumberText digits;
      const bool finite = std::isfinite(value);
      return ServerReading{absl::StrCat("$1::", column.type.sql_name),
                           finite ? std::string(ShortestScientific(value, digits)) : text};
    }
    case kOidFloat4:
      return ServerReading{"$1::pg_catalog.float8::pg_catalog.float4", text};
    case kOidInt2:
    case kOidInt4:
    case kOidInt8:
      return ServerReading{absl::StrCat("$1::pg_catalog.numeric::", column.type.sql_name), text};
    case kOidBool:
      return ServerReading{"$1::pg_catalog.numeric::pg_catalog.int4::pg_catalog.bool", text};
    default:
      return std::nullopt;  // our own form of reals in texts: judged below, the other way round
  }
}

std::optional<ServerReading> BlobReadingOf(absl::string_view bytes, const ColumnPlan& column) {
  const Oid oid = BaseOf(column.type).oid;
  const std::string hex = HexOf(bytes);
  const std::string raw = "pg_catalog.decode($1, 'hex')";
  if (oid == kOidBytea) return ServerReading{raw, hex};
  if (oid == kOidUuid && column.rules.blob == BlobReading::kUuid) {
    return ServerReading{"$1::pg_catalog.uuid", hex};
  }
  if (oid == kOidUuid && column.rules.blob == BlobReading::kUuidMixedEndian) {
    std::vector<std::string> pairs;
    for (const int at : {7, 5, 3, 1, 11, 9, 15, 13}) {
      pairs.push_back(absl::StrCat("pg_catalog.substr($1, ", at, ", 2)"));
    }
    pairs.push_back("pg_catalog.substr($1, 17)");
    return ServerReading{
        absl::StrCat("(", absl::StrJoin(pairs, " || "), ")::pg_catalog.uuid"), hex};
  }
  if (column.rules.blob == BlobReading::kUtf8Text) {
    return ServerReading{absl::StrCat("pg_catalog.convert_from(", raw,
                                      ", 'UTF8')::", column.type.sql_name), hex};
  }
  return std::nullopt;
}

// ---- Asking -----------------------------------------------------------------------------------

// One sample and what became of it.
struct Question {
  SourceValue value;
  std::string expression, text;
  std::string ours;                    // the comparable form of our field, in hexadecimal
  std::string stored;                  // our field as the server would show it
  bool asked = false;
  std::optional<std::string> theirs;   // their field's bytes in hexadecimal; nullopt: no answer
};

// Bytes of a field in their comparable form.
std::string Comparable(const ColumnCodec& codec, absl::string_view field) {
  if (codec.canonical == nullptr) return HexOf(field);
  FieldBuffer out;
  if (!codec.canonical(field, codec.params, &out)) return absl::StrCat("!", HexOf(field));
  return HexOf(out.view());
}

std::string FromHex(absl::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

class ColumnCheck {
 public:
  ColumnCheck(PgConnection& connection, const TablePlan& table, size_t index,
              const std::string& send_function)
      : connection_(connection),
        table_(table),
        column_(table.columns[index]),
        codec_(table.codecs[index]),
        send_(send_function) {}

  absl::Status Run(const ColumnSamples& values, std::vector<ValueSample>* samples) {
    for (const std::vector<OwnedValue>& of_class : values) {
      for (const OwnedValue& sample : of_class) Prepare(sample.view());
    }
    RETURN_IF_ERROR(Ask());
    for (const Question& question : questions_) {
      const bool answered = question.asked && question.theirs.has_value();
      const bool equal = !answered || IsSame(question);
      if (samples->size() < kSamplesShownMax) {
        samples->push_back({table_.source->name, column_.source_name,
                            std::string(StorageClassName(question.value.storage_class)),
                            DescribeTypedValue(question.value),
                            EscapeForMessage(question.stored, kShownBytesMax), answered, equal});
      }
      if (!equal) return Differs(question);
    }
    return absl::OkStatus();
  }

 private:
  void Prepare(const SourceValue& value) {
    if (value.storage_class == StorageClass::kNull) return;
    Question question;
    question.value = value;
    FieldBuffer scratch;
    // What a rule of the user's has changed is no value that the server could be asked about.
    if (codec_.without_rules != nullptr &&
        UseOfRules(codec_, value, &scratch) != RuleUse::kNone) {
      return;
    }
    FieldBuffer ours(codec_.fixed_bytes + codec_.expand * value.size_bytes);
    const auto c = static_cast<size_t>(value.storage_class);
    // Rows that were set aside are told elsewhere; '' as NULL has no bytes.
    if (codec_.encode[c](value, codec_.params, &ours) != Outcome::kOk) return;
    const absl::string_view field = ours.view().substr(4);
    if (value.storage_class == StorageClass::kText && value.size_bytes == 0 &&
        column_.rules.empty_text_as_null) {
      return;
    }
    question.ours = Comparable(codec_, field);
    if (!codec_.decode(field, codec_.params, &question.stored)) question.stored = "?";
    std::optional<ServerReading> reading = ServerReadingOf(value, column_);
    const Oid oid = BaseOf(column_.type).oid;
    const bool real_as_text = value.storage_class == StorageClass::kReal &&
                              (IsTextual(oid) || oid == kOidBytea || oid == kOidJson ||
                               oid == kOidJsonb);
    if (real_as_text) {
      // Which of a double's many texts is stored is ours to choose; that it is a text of this
      // double, the server can tell.
      question.text = oid == kOidBytea ? std::string(field) : question.stored;
    } else if (reading.has_value()) {
      question.expression = std::move(reading->expression);
      question.text = std::move(reading->text);
    }
    question.asked = real_as_text || !question.expression.empty();
    questions_.push_back(std::move(question));
  }

  // Questions with the same expression go in one query; where that fails, one by one.
  absl::Status Ask() {
    std::map<std::string, std::vector<size_t>> groups;
    for (size_t i = 0; i < questions_.size(); ++i) {
      if (questions_[i].asked) groups[questions_[i].expression].push_back(i);
    }
    for (const auto& [expression, members] : groups) {
      if (send_.empty() && !expression.empty()) continue;
      // Our own comparison of doubles has no expression yet.
      const std::string sent =
          expression.empty() ? "pg_catalog.float8send($1::pg_catalog.float8)"
                             : absl::StrCat(send_, "(", expression, ")");
      RETURN_IF_ERROR(AskGroup(sent, members));
    }
    return absl::OkStatus();
  }

  absl::Status AskGroup(const std::string& sent, const std::vector<size_t>& members) {
    std::vector<std::string> texts;
    for (const size_t i : members) texts.push_back(questions_[i].text);
    const absl::StatusOr<PgResult> together = connection_.Query(
        absl::StrCat("SELECT pg_catalog.encode(", absl::StrReplaceAll(sent, {{"$1", "s.v"}}),
                     ", 'hex') FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY"
                     " AS s(v, n) ORDER BY s.n"),
        {FormatArray(texts)});
    if (together.ok() && together->rows() == static_cast<int>(members.size())) {
      for (size_t k = 0; k < members.size(); ++k) {
        questions_[members[k]].theirs = std::string(together->Text(static_cast<int>(k), 0));
      }
      return absl::OkStatus();
    }
    // One of them is a form that only we read.
    for (const size_t i : members) {
      if (!connection_.alive()) return together.status();
      const absl::StatusOr<PgResult> answer = connection_.Query(
          absl::StrCat("SELECT pg_catalog.encode(",
                       absl::StrReplaceAll(sent, {{"$1", "$1::pg_catalog.text"}}), ", 'hex')"),
          {questions_[i].text});
      if (answer.ok()) questions_[i].theirs = std::string(answer->Text(0, 0));
    }
    return connection_.alive() ? absl::OkStatus() : together.status();
  }

  bool IsSame(const Question& question) const {
    if (question.expression.empty()) {
      FieldBuffer bits(8);
      bits.PutInt64(std::bit_cast<int64_t>(question.value.real));
      return HexOf(bits.view()) == *question.theirs;
    }
    return Comparable(codec_, FromHex(*question.theirs)) == question.ours;
  }

  absl::Status Differs(const Question& question) const {
    ErrorInfo info;
    info.code = ErrorCode::kCrossCheck;
    info.exit_code = ExitCode::kDiffers;
    info.what = absl::StrCat("the server reads this value as another one than was stored (",
                             EscapeForMessage(question.stored, kShownBytesMax), ")");
    info.table = table_.source->name;
    info.column = column_.source_name;
    info.value = DescribeTypedValue(question.value);
    info.hint = "please report this with the value; it is a defect of lite2pg";
    return MakeError(info);
  }

  PgConnection& connection_;
  const TablePlan& table_;
  const ColumnPlan& column_;
  const ColumnCodec& codec_;
  const std::string& send_;
  std::vector<Question> questions_;
};

}  // namespace

std::optional<ServerReading> ServerReadingOf(const SourceValue& value, const ColumnPlan& column) {
  // Arrays are read from JSON, which no input function of theirs does.
  if (BaseOf(column.type).kind == TypeKind::kArray &&
      value.storage_class != StorageClass::kText) {
    return std::nullopt;
  }
  switch (value.storage_class) {
    case StorageClass::kNull: return std::nullopt;
    case StorageClass::kInteger: return IntegerReadingOf(value.integer, column);
    case StorageClass::kReal: return RealReadingOf(value.real, column);
    case StorageClass::kText: return TextReadingOf(value.bytes(), column);
    case StorageClass::kBlob: return BlobReadingOf(value.bytes(), column);
  }
  return std::nullopt;
}

absl::Status CrossCheckSamples(PgConnection& connection, const Plan& plan,
                               const std::vector<TableSamples>& values,
                               std::vector<ValueSample>* samples) {
  std::map<Oid, std::string> send_functions;
  for (size_t t = 0; t < plan.tables.size(); ++t) {
    const TablePlan& table = plan.tables[t];
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (table.codecs[i].server_text) continue;  // it is the server's own word already
      const Oid oid = table.columns[i].type.oid;
      auto send = send_functions.find(oid);
      if (send == send_functions.end()) {
        ASSIGN_OR_RETURN(const PgResult found,
                         connection.Query("SELECT typsend::pg_catalog.regproc::pg_catalog.text"
                                          " FROM pg_catalog.pg_type WHERE oid = $1",
                                          {absl::StrCat(oid)}));
        std::string name(found.rows() == 1 ? found.Text(0, 0) : "");
        if (name == "-") name.clear();
        send = send_functions.emplace(oid, std::move(name)).first;
      }
      RETURN_IF_ERROR(ColumnCheck(connection, table, i, send->second)
                          .Run(values[t][i], samples));
    }
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
