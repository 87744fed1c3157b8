#include "engine/postgres/identifier.h"

#include <xxhash.h>

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coercion/outcome.h"
#include "coercion/utf8.h"
#include "engine/base/limits.h"

namespace lite2pg {
namespace {

// At most `bytes_max` bytes, cut before a character that would not fit. REQUIRES: valid UTF-8.
absl::string_view CutUtf8(absl::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// Bytes of the character at the front that a name can hold; 0 if the first byte begins none.
size_t CharacterLength(absl::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (CheckText(text.substr(0, length)) == Outcome::kOk) return length;
  }
  return 0;
}

std::string Escaped(absl::string_view name) {
  if (CheckText(name) == Outcome::kOk) return std::string(name);
  std::string out;
  while (!name.empty()) {
    const size_t length = CharacterLength(name);
    if (length == 0) {
      const auto byte = static_cast<uint8_t>(name[0]);
      absl::StrAppend(&out, "_x", absl::Hex(byte, absl::kZeroPad2), "_");
    } else {
      absl::StrAppend(&out, name.substr(0, length));
    }
    name.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string WithSuffix(absl::string_view name, absl::string_view suffix) {
  return absl::StrCat(CutUtf8(name, kIdentifierBytesMax - suffix.size()), suffix);
}

NameChange::Why WhyChanged(absl::string_view name) {
  if (name.empty()) return NameChange::Why::kEmpty;
  return CheckText(name) == Outcome::kOk ? NameChange::Why::kShortened : NameChange::Why::kEscaped;
}

}  // namespace

std::string IdentitySequenceName(absl::string_view table, absl::string_view column) {
  constexpr absl::string_view kLabel = "_seq";
  const size_t room = kIdentifierBytesMax - kLabel.size() - 1;
  size_t table_bytes = table.size(), column_bytes = column.size();
  while (table_bytes + column_bytes > room) --(table_bytes > column_bytes ? table_bytes
                                                                          : column_bytes);
  return absl::StrCat(CutUtf8(table, table_bytes), "_", CutUtf8(column, column_bytes), kLabel);
}

std::string TargetIdentifier(absl::string_view name) {
  if (name.empty()) return "unnamed";
  const std::string valid = Escaped(name);
  if (valid.size() <= kIdentifierBytesMax) return valid;
  // The hash is of the original: names that differ only beyond byte 63 stay apart.
  const XXH64_hash_t hash = XXH3_64bits(name.data(), name.size());
  return WithSuffix(valid, absl::StrCat("_", absl::Hex(hash >> 32, absl::kZeroPad8)));
}

std::string FoldIdentifier(absl::string_view name) { return absl::AsciiStrToLower(name); }

absl::string_view NameChangePhrase(NameChange::Why why) {
  switch (why) {
    case NameChange::Why::kEmpty:
      return "is empty";
    case NameChange::Why::kEscaped:
      return "holds bytes that are not UTF-8 text";
    case NameChange::Why::kShortened:
      return "is longer than PostgreSQL's 63 bytes";
    case NameChange::Why::kCollision:
      return "is taken by another object (letter case aside)";
  }
  return "";
}

std::string NameTable::Add(absl::string_view name) {
  const std::string wanted = TargetIdentifier(name);
  std::string given = wanted;
  for (int number = 2; !taken_.insert(FoldIdentifier(given)).second; ++number) {
    given = WithSuffix(wanted, absl::StrCat("_", number));
  }
  if (given != wanted) {
    changes_.push_back({std::string(name), given, NameChange::Why::kCollision});
  } else if (given != name) {
    changes_.push_back({std::string(name), given, WhyChanged(name)});
  }
  return given;
}

}  // namespace lite2pg
