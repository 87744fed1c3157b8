#include "engine/command/archive_rules.h"

#include "absl/strings/string_view.h"
#include "engine/plan/reading_names.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kTrue = "true", kNull = "null", kDefault = "default";

// Rules that are on or off.
constexpr struct {
  absl::string_view name;
  bool ReadingRules::*member;
} kFlags[] = {{"empty-as-null", &ReadingRules::empty_text_as_null},
              {"round-to-microseconds", &ReadingRules::round_to_microseconds},
              {"round-to-typmod", &ReadingRules::round_to_typmod},
              {"round-to-float4", &ReadingRules::round_to_float4},
              {"escape-text", &ReadingRules::escape_text}};

template <typename Enum, size_t kCount>
bool Choose(const absl::string_view (&names)[kCount], absl::string_view value, Enum* out) {
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] != value) continue;
    *out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

bool ParseFlag(absl::string_view name, absl::string_view value, ReadingRules* rules) {
  for (const auto& flag : kFlags) {
    if (flag.name != name) continue;
    rules->*flag.member = true;
    return value == kTrue;
  }
  return false;
}

bool ParseRule(const std::string& name, const std::string& value, ReadingRules* rules) {
  if (name == "integer") return Choose(kNumberReadingNames, value, &rules->integer);
  if (name == "real") return Choose(kNumberReadingNames, value, &rules->real);
  if (name == "text") return Choose(kTextReadingNames, value, &rules->text);
  if (name == "blob") return Choose(kBlobReadingNames, value, &rules->blob);
  if (name == "bad-value") {
    rules->bad_value = value == kNull ? BadValueRule::kNull : BadValueRule::kDefault;
    return value == kNull || value == kDefault;
  }
  if (name == "bad-value-default") {
    rules->bad_value_default = value;
    return true;
  }
  if (name == "source-time-zone") {
    rules->source_time_zone = value;
    return true;
  }
  return ParseFlag(name, value, rules);
}

}  // namespace

NamedRules NameRules(const ReadingRules& rules) {
  NamedRules named;
  const auto add = [&](absl::string_view name, absl::string_view value) {
    named.emplace_back(std::string(name), std::string(value));
  };
  if (rules.integer != NumberReading::kNone) add("integer", ReadingName(rules.integer));
  if (rules.real != NumberReading::kNone) add("real", ReadingName(rules.real));
  if (rules.text != TextReading::kPlain) add("text", ReadingName(rules.text));
  if (rules.blob != BlobReading::kPlain) add("blob", ReadingName(rules.blob));
  for (const auto& flag : kFlags) {
    if (rules.*flag.member) add(flag.name, kTrue);
  }
  if (rules.bad_value == BadValueRule::kNull) add("bad-value", kNull);
  if (rules.bad_value == BadValueRule::kDefault) {
    add("bad-value", kDefault);
    add("bad-value-default", rules.bad_value_default);
  }
  if (rules.source_time_zone != ReadingRules().source_time_zone) {
    add("source-time-zone", rules.source_time_zone);
  }
  return named;
}

bool ParseNamedRules(const NamedRules& named, ReadingRules* rules) {
  for (const auto& [name, value] : named) {
    if (!ParseRule(name, value, rules)) return false;
  }
  return true;
}

}  // namespace lite2pg
