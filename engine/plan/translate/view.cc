// CREATE VIEW as a whole: names and types of its columns.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/hash_tables.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/select_translator.h"

namespace lite2pg {
namespace {

// At most kIdentifierBytesMax bytes, never half a character.
std::string FitName(absl::string_view name, size_t bytes_max) {
  if (name.size() <= bytes_max) return std::string(name);
  size_t cut = bytes_max;
  while (cut > 0 && (static_cast<uint8_t>(name[cut]) & 0xc0) == 0x80) --cut;
  return std::string(name.substr(0, cut));
}

// A name that `taken` does not hold under `key_of`, which then takes it.
template <typename MakeCandidate>
std::string TakeUnique(StringSet* taken, bool fold,
                       MakeCandidate candidate) {
  // Each round tries one name more than there can be taken ones.
  for (int round = 0;; ++round) {
    std::string name = candidate(round);
    if (taken->insert(fold ? AsciiLower(name) : name).second) return name;
  }
}

void SetType(TranslationColumn* column, Oid oid, StorageClass storage_class) {
  column->type = BuiltinType(oid);
  column->counts[static_cast<size_t>(storage_class)] = 1;
}

}  // namespace

absl::Status NameColumns(const std::vector<std::string>& wanted, bool lower,
                         std::vector<OutputColumn>* columns) {
  StringSet source_names, target_names;
  for (size_t i = 0; i < columns->size(); ++i) {
    const std::string& name = wanted[i];
    if (!IsValidUtf8(name)) return Refuse("the name of a column, which is not valid UTF-8");
    OutputColumn& column = (*columns)[i];
    column.name = TakeUnique(&source_names, true, [&](int round) {
      return round == 0 ? name : absl::StrCat(name, ":", round);
    });
    std::string fit = lower ? AsciiLower(column.name) : column.name;
    if (fit.empty()) fit = absl::StrCat("column", i + 1);
    fit = FitName(fit, kIdentifierBytesMax);
    column.alias = TakeUnique(&target_names, false, [&](int round) {
      if (round == 0) return fit;
      const std::string suffix = absl::StrCat("_", round);
      return absl::StrCat(FitName(fit, kIdentifierBytesMax - suffix.size()), suffix);
    });
  }
  return absl::OkStatus();
}

std::string SqlTypeOf(const TypedSql& value) {
  switch (value.kind) {
    case ValueKind::kInteger: return value.bits <= 32 ? "integer" : "bigint";
    case ValueKind::kFloat: return "double precision";
    case ValueKind::kNumeric: return "numeric";
    case ValueKind::kBoolean: return "boolean";
    case ValueKind::kBlob: return "bytea";
    case ValueKind::kOpaque:
      if (value.column != nullptr) return value.column->type.sql_name;
      [[fallthrough]];
    default: return "text";
  }
}

TranslationColumn DescribeOutput(const OutputColumn& output) {
  const TypedSql& value = output.value;
  TranslationColumn column;
  if (value.column != nullptr && value.affinity.has_value()) {
    column = *value.column;
  } else {
    column.affinity = value.affinity.value_or(Affinity::kBlob);
    column.counted = true;
    switch (value.kind) {
      case ValueKind::kInteger:
        SetType(&column, value.bits <= 16 ? kOidInt2 : value.bits <= 32 ? kOidInt4 : kOidInt8,
                StorageClass::kInteger);
        break;
      case ValueKind::kFloat:
      case ValueKind::kNumeric:
        SetType(&column, value.kind == ValueKind::kFloat ? kOidFloat8 : kOidNumeric,
                StorageClass::kReal);
        if (value.number_class == NumberClass::kEither) {
          column.counts[static_cast<size_t>(StorageClass::kInteger)] = 1;
        }
        break;
      case ValueKind::kBoolean: SetType(&column, kOidBool, StorageClass::kInteger); break;
      case ValueKind::kBlob: SetType(&column, kOidBytea, StorageClass::kBlob); break;
      case ValueKind::kOpaque:
        // The type is known where a column's value is passed on; its meaning is not.
        if (value.column != nullptr) {
          column = *value.column;
        } else {
          column.type.kind = TypeKind::kOther;
        }
        break;
      default: SetType(&column, kOidText, StorageClass::kText); break;
    }
  }
  column.source_name = output.name;
  column.target_name = output.alias;
  column.collation = value.collation.empty() ? "BINARY" : value.collation;
  column.generated = false;
  return column;
}

ViewTranslation TranslateView(const CreateView& view, const TranslationContext& context) {
  ViewState state(context);
  SelectTranslator translator(&state, nullptr);
  const absl::StatusOr<TranslatedSelect> select =
      translator.Translate(*view.select, view.columns);
  ViewTranslation result;
  result.ok = select.ok();
  if (!select.ok()) {
    result.reason = std::string(select.status().message());
    result.missing_relation = state.missing_relation;
    return result;
  }
  result.sql = select->sql;
  result.exactness = state.state.exactness();
  for (const OutputColumn& column : select->columns) {
    result.columns.push_back(DescribeOutput(column));
  }
  return result;
}

}  // namespace lite2pg
