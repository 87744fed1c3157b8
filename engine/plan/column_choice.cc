#include "engine/plan/column_choice.h"

#include <bit>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/datetime.h"
#include "coercion/declared_type.h"
#include "engine/base/text.h"
#include "engine/plan/existing_columns.h"
#include "engine/plan/reading_names.h"

namespace lite2pg {
namespace {

bool IsDateFamily(DeclaredFamily family) {
  return family == DeclaredFamily::kDate || family == DeclaredFamily::kTimestamp ||
         family == DeclaredFamily::kTimestamptz;
}

bool IsDateType(Oid oid) {
  return oid == kOidDate || oid == kOidTimestamp || oid == kOidTimestamptz;
}

uint64_t NonNull(const ColumnScan& scan) {
  uint64_t count = 0;
  for (size_t c = 1; c < kStorageClassCount; ++c) count += scan.counts[c];
  return count;
}

std::string Classes(const ColumnScan& scan) {
  std::string text;
  for (size_t c = 1; c < kStorageClassCount; ++c) {
    if (scan.counts[c] == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", scan.counts[c], " ", kStorageClassNames[c]);
  }
  return text;
}

// The lines of configuration that allow the loss of what the column's type has no place for.
std::string RuleForDate(const Candidate& candidate, const std::string& text) {
  const DateTimeClass form = ClassifyDateTime(text);
  const bool has_offset = form.shape == DateTimeShape::kDateTimeOffset;
  std::vector<std::string> lines;
  if (has_offset && candidate.codec.type->oid == kOidTimestamp) {
    lines.push_back(absl::StrCat("offset = \"", ReadingName(OffsetReading::kUtc), "\""));
  }
  if (form.fraction_digits > 6) lines.push_back("round = \"microseconds\"");
  return absl::StrJoin(lines, " and ");
}

// The line of configuration that would give a value of several readings one, with the reading that
// its size makes likely. Only the user knows whether it is right.
std::string ReadingLine(const Candidate& candidate, const ColumnScan& scan,
                        const CounterExample& refused) {
  if (refused.outcome == Outcome::kLossy && !refused.text.empty()) {
    return RuleForDate(candidate, refused.text);
  }
  if (refused.outcome != Outcome::kAmbiguous) return "";
  if (candidate.type.oid == kOidUuid) return "blob = \"uuid\", or \"uuid-mixed-endian\"";
  if (absl::StartsWith(refused.value, "REAL")) {
    return absl::StrCat("real = \"", ReadingName(LikelyReading(scan.real_max)), "\"");
  }
  if (!absl::StartsWith(refused.value, "INTEGER")) return "";
  if (candidate.type.oid == kOidInterval) {
    return absl::StrCat("integer = \"", ReadingName(NumberReading::kUnixSeconds), "\", or \"",
                        ReadingName(NumberReading::kUnixMicros), "\"");
  }
  return absl::StrCat("integer = \"",
                      ReadingName(LikelyReading(static_cast<double>(scan.integer_max))), "\"");
}

Finding Refusals(const Candidate& candidate, const ColumnScan& scan, const std::string& object,
                 const BadValuePolicy& policy) {
  const CounterExample& refused = scan.refused[0];
  Finding finding;
  const bool too_many = policy.reject && refused.count > policy.rows_max;
  finding.severity = policy.reject && !too_many ? Severity::kWarning : Severity::kBlocking;
  finding.code = ErrorCode::kBadValue;
  finding.object = object;
  finding.message = absl::StrCat(refused.count, " value(s) have no faithful form in ",
                                 candidate.type.sql_name, "; the first is ", refused.value,
                                 " at ", refused.row_key, ": ", OutcomePhrase(refused.outcome));
  if (too_many) {
    absl::StrAppend(&finding.message, "; only ", policy.rows_max, " row(s) may be set aside");
    finding.hint = "mend them in the source, or allow more with --max-rejects";
  } else if (policy.reject) {
    absl::StrAppend(&finding.message, "; their rows are set aside");
    finding.hint = "lite2pg.reject on the target keeps them; --rejects FILE writes them to a file";
  } else {
    const std::string line = ReadingLine(candidate, scan, refused);
    finding.hint = absl::StrCat(
        "mend them in the source, name a rule for the column in the configuration",
        line.empty() ? "" : absl::StrCat(" (", line, ")"),
        ", or set such rows aside with --on-bad-value reject");
  }
  return finding;
}

// A date column that holds numbers: the convention is shown, never guessed.
void HintReading(const ColumnScan& scan, const std::string& object,
                 std::vector<Finding>* findings) {
  const NumberReading integer = ProvenIntegerReading(scan);
  const NumberReading real = ProvenRealReading(scan);
  if (integer == NumberReading::kNone && real == NumberReading::kNone) return;
  const bool is_integer = integer != NumberReading::kNone;
  Finding finding;
  finding.code = ErrorCode::kReadingHint;
  finding.object = object;
  finding.message = absl::StrCat("the numbers in this date column could be ",
                                 ReadingName(is_integer ? integer : real),
                                 "; they stay numbers because nothing proves it");
  finding.hint = absl::StrCat("in the configuration: type = \"timestamptz\", ",
                              is_integer ? "integer" : "real", " = \"",
                              ReadingName(is_integer ? integer : real), "\"");
  findings->push_back(std::move(finding));
}

}  // namespace

size_t ChooseCandidate(const SourceColumn& column, const std::vector<Candidate>& candidates,
                       const ColumnScan& scan, const std::string& object, bool existing,
                       const BadValuePolicy& policy, std::vector<Finding>* findings,
                       std::string* reason) {
  if (candidates.size() == 1) {
    *reason = std::string(existing ? kReasonTarget : kReasonConfigured);
    if (scan.refused[0].count > 0) {
      findings->push_back(Refusals(candidates[0], scan, object, policy));
    }
    return 0;
  }
  if (NonNull(scan) == 0) {
    *reason = std::string(kReasonNoValues);
    return 0;
  }
  // The last candidate takes everything, so that some bit is always set.
  const auto chosen = static_cast<size_t>(std::countr_zero(scan.alive));
  const DeclaredFamily family = ParseDeclaredType(column.declared_type).family;
  const Oid oid = candidates[chosen].type.oid;
  const bool undeclared = family == DeclaredFamily::kNone || family == DeclaredFamily::kUnknown;
  if (oid == kOidTimestamptz && scan.offsets_seen) {
    findings->push_back({Severity::kInfo, ErrorCode::kOffsetDropped, object,
                         "some values have a UTC offset other than zero; timestamptz keeps the "
                         "instant, not the offset",
                         "in the configuration: type = \"text\" keeps the text as it is"});
  }
  if (chosen == 0) {
    *reason = std::string(kReasonDeclared);
    return chosen;
  }
  *reason = undeclared ? "from the values" : "the values do not fit the declared type";
  if (IsDateFamily(family) && IsDateType(oid)) {
    *reason = "every value reads this way";
    return chosen;
  }
  if (undeclared && oid != kOidBytea) return chosen;
  // Where a value was understood and only too exact for its type, that is what keeps the column
  // from its type: a date with an offset refuses the first candidate and is not to blame.
  size_t named = 0;
  for (size_t i = 0; i < chosen && IsDateFamily(family); ++i) {
    const bool lossy = scan.refused[i].count > 0 && scan.refused[i].outcome == Outcome::kLossy;
    if (lossy && IsDateType(candidates[i].type.oid)) named = i;
  }
  const CounterExample& first = scan.refused[named];
  Finding finding;
  finding.severity = Severity::kWarning;
  finding.code = ErrorCode::kTypeWidened;
  finding.object = object;
  finding.message = absl::StrCat(
      "declared ",
      column.declared_type.empty() ? "without a type" : EscapeName(column.declared_type),
      ", but it holds ", Classes(scan), "; the column becomes ", candidates[chosen].type.sql_name,
      ". First value that does not fit ", candidates[named].type.sql_name, ": ", first.value,
      " at ", first.row_key, " (", OutcomePhrase(first.outcome), ")");
  finding.hint = "mend the values, or name the type you want in the configuration";
  if (first.outcome == Outcome::kLossy && IsDateFamily(family)) {
    finding.hint = absl::StrCat("in the configuration: type = \"", candidates[named].type.sql_name,
                                "\", round = \"microseconds\"");
  }
  findings->push_back(std::move(finding));
  if (IsDateFamily(family)) HintReading(scan, object, findings);
  return chosen;
}

}  // namespace lite2pg
