#include "engine/pipeline/chunk_range.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/key_sql.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

std::string EncodeValue(const SourceValue& value) {
  switch (value.storage_class) {
    case StorageClass::kNull:
      return "n:";
    case StorageClass::kInteger:
      return absl::StrCat("i:", value.integer);
    case StorageClass::kReal:
      return absl::StrCat("r:", absl::Hex(std::bit_cast<uint64_t>(value.real), absl::kZeroPad16));
    case StorageClass::kText:
      return absl::StrCat("t:", absl::BytesToHexString(value.bytes()));
    case StorageClass::kBlob:
      return absl::StrCat("b:", absl::BytesToHexString(value.bytes()));
  }
  return "";
}

bool IsHex(absl::string_view text) {
  return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool DecodeValue(absl::string_view text, SourceKey* key) {
  if (text.size() < 2 || text[1] != ':') return false;
  const absl::string_view rest = text.substr(2);
  switch (text[0]) {
    case 'n':
      key->emplace_back(SourceValue::Null());
      return rest.empty();
    case 'i': {
      int64_t integer = 0;
      if (!absl::SimpleAtoi(rest, &integer)) return false;
      key->emplace_back(SourceValue::Integer(integer));
      return true;
    }
    case 'r': {
      uint64_t bits = 0;
      if (rest.size() != 16 || !absl::SimpleHexAtoi(rest, &bits)) return false;
      key->emplace_back(SourceValue::Real(std::bit_cast<double>(bits)));
      return true;
    }
    case 't':
    case 'b': {
      if (!IsHex(rest)) return false;
      const std::string bytes = absl::HexStringToBytes(rest);
      key->emplace_back(text[0] == 't' ? SourceValue::Text(bytes) : SourceValue::Blob(bytes));
      return true;
    }
    default:
      return false;
  }
}

Json EncodeKey(const std::optional<SourceKey>& key) {
  if (!key.has_value()) return nullptr;
  Json values = Json::array();
  for (const OwnedValue& value : *key) values.push_back(EncodeValue(value.view()));
  return values;
}

bool DecodeKey(const Json& json, absl::string_view name, std::optional<SourceKey>* key) {
  const auto found = json.find(std::string(name));
  if (found == json.end()) return false;
  if (found->is_null()) return true;
  if (!found->is_array() || found->empty()) return false;
  key->emplace();
  for (const Json& value : *found) {
    if (!value.is_string() || !DecodeValue(value.get_ref<const std::string&>(), &**key)) {
      return false;
    }
  }
  return true;
}

absl::Status Damaged(absl::string_view what) {
  return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                   absl::StrCat("the ledger's record of what was loaded is damaged: ", what),
                   "--restart drops what was loaded and starts over");
}

// Sorts by where ranges begin. Comparisons ask SQLite and may fail.
class Sorter {
 public:
  Sorter(SqliteConnection& connection, const TableReading& reading)
      : connection_(connection), key_(KeyColumnsOf(reading)) {}

  // As strcmp. An absent key comes first.
  int Compare(const std::optional<SourceKey>& a, const std::optional<SourceKey>& b) {
    if (!a.has_value() || !b.has_value()) {
      return static_cast<int>(a.has_value()) - static_cast<int>(b.has_value());
    }
    if (!status_.ok()) return 0;
    if (a->size() != key_.size() || b->size() != key_.size()) {
      status_ = Damaged("a key of another table");
      return 0;
    }
    const absl::StatusOr<int> order = CompareKeys(connection_, key_, *a, *b);
    if (order.ok()) return *order;
    status_ = order.status();
    return 0;
  }
  const absl::Status& status() const { return status_; }

 private:
  SqliteConnection& connection_;
  const std::vector<KeyColumn> key_;
  absl::Status status_;
};

}  // namespace

std::string EncodeKeyRange(const TableReading& reading, const KeyRange& range) {
  Json json;
  json["range"] = DescribeRange(reading, range);
  json["after"] = EncodeKey(range.after);
  json["up_to"] = EncodeKey(range.up_to);
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

absl::StatusOr<KeyRange> DecodeKeyRange(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  KeyRange range;
  if (!json.is_object() || !DecodeKey(json, "after", &range.after) ||
      !DecodeKey(json, "up_to", &range.up_to)) {
    return Damaged(EscapeForMessage(text, 100));
  }
  return range;
}

absl::StatusOr<std::vector<KeyRange>> RemainingRanges(SqliteConnection& connection,
                                                      const TableReading& reading,
                                                      std::vector<KeyRange> done) {
  Sorter sorter(connection, reading);
  // A stable sort stays within its bounds even if comparisons begin to fail. An empty range, such
  // as a last chunk without rows, comes before one that begins at the same place.
  std::vector<KeyRange*> sorted;
  for (KeyRange& range : done) sorted.push_back(&range);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const KeyRange* a, const KeyRange* b) {
    const int order = sorter.Compare(a->after, b->after);
    if (order != 0 || !a->up_to.has_value() || !b->up_to.has_value()) {
      return order < 0 || (order == 0 && a->up_to.has_value() && !b->up_to.has_value());
    }
    return sorter.Compare(a->up_to, b->up_to) < 0;
  });
  RETURN_IF_ERROR(sorter.status());
  std::vector<KeyRange> left;
  std::optional<SourceKey> reached;  // everything up to here is done; absent: nothing yet
  for (KeyRange* const range : sorted) {
    const int order = sorter.Compare(range->after, reached);
    RETURN_IF_ERROR(sorter.status());
    if (order < 0) return Damaged("ranges that overlap");
    if (order > 0) left.push_back({std::move(reached), std::move(range->after)});
    if (!range->up_to.has_value()) {
      if (range != sorted.back()) return Damaged("ranges that overlap");
      return left;
    }
    reached = std::move(range->up_to);
  }
  left.push_back({std::move(reached), std::nullopt});
  return left;
}

}  // namespace lite2pg
