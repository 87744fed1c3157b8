#include "engine/command/duplicate_keys.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/digest.h"
#include "engine/base/error.h"
#include "engine/base/hash_tables.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {
namespace {

// Hashes of keys held at once, in a table that takes about 56 bytes for each.
constexpr uint64_t kKeysAtOnce = uint64_t{1} << 20;
constexpr size_t kExamplesMax = 3;       // groups of rows that are shown
constexpr size_t kRowsOfExampleMax = 3;  // of each
// A cancelled run need not wait for the end of a table.
constexpr uint64_t kRowsBetweenChecks = 4096;

using KeyHash = std::pair<uint64_t, uint64_t>;

// One key of a table: indexes into TablePlan::columns.
struct UniqueKey {
  std::string name;
  std::vector<size_t> columns;
};

// What of a table must be unique in the target, by whole columns. Indexes with a predicate or an
// expression are the server's to judge.
std::vector<UniqueKey> KeysOf(const TablePlan& table) {
  std::vector<UniqueKey> keys;
  const auto add = [&](std::string name, const auto& source_columns) {
    UniqueKey key{std::move(name), {}};
    for (const int wanted : source_columns) {
      for (size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].source_column == wanted && wanted >= 0) key.columns.push_back(i);
      }
    }
    if (!key.columns.empty() && key.columns.size() == source_columns.size()) {
      keys.push_back(std::move(key));
    }
  };
  // The rowid is a number in both, and no number occurs twice.
  if (table.create && table.source->rowid_alias < 0) {
    add("the primary key", table.source->primary_key);
  }
  if (table.create) {
    for (const SourceIndex& index : table.source->indexes) {
      if (!index.unique || index.partial || index.origin == 'p') continue;
      std::vector<int> columns;
      for (const SourceIndexColumn& column : index.columns) columns.push_back(column.column);
      add(absl::StrCat("the unique index ", EscapeName(index.name)), columns);
    }
    return keys;
  }
  for (const TargetIndex& index : table.target.indexes) {
    if (!index.unique || index.partial) continue;
    std::vector<int> columns;
    for (const std::string& name : index.columns) {
      int found = -1;
      for (const ColumnPlan& column : table.columns) {
        if (column.target_name == name && !name.empty()) found = column.source_column;
      }
      columns.push_back(found);
    }
    add(absl::StrCat("the target's unique index ", EscapeName(index.name)), columns);
  }
  return keys;
}

// Appends what PostgreSQL's equality looks at, length first. False for NULL, and for values that
// the copy would refuse: they are told elsewhere.
bool AppendCompared(const SourceValue& value, const ColumnCodec& codec, Oid oid,
                    FieldBuffer* scratch, std::string* key) {
  const auto c = static_cast<size_t>(value.storage_class);
  scratch->Clear();
  scratch->Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
  if (codec.encode[c](value, codec.params, scratch) != Outcome::kOk) return false;
  std::string field(scratch->view().substr(4));
  if (value.storage_class == StorageClass::kNull) return false;
  std::string text;
  const bool by_text = oid == kOidNumeric || oid == kOidFloat8 || oid == kOidFloat4;
  if (by_text && codec.decode(field, codec.params, &text)) {
    // 1.50 and 1.5 are one number, and so are 0 and -0.
    if (absl::StrContains(text, '.') && !absl::StrContains(text, 'e')) {
      while (text.back() == '0') text.pop_back();
      if (text.back() == '.') text.pop_back();
    }
    field = text == "-0" ? "0" : text;
  } else if (codec.canonical != nullptr) {
    FieldBuffer canonical;
    if (codec.canonical(field, codec.params, &canonical)) field = std::string(canonical.view());
  }
  if (codec.type->name == "citext") absl::AsciiStrToLower(&field);
  absl::StrAppend(key, field.size(), ":", field);
  return true;
}

class KeySearch {
 public:
  KeySearch(SqliteConnection& reader, const TablePlan& table, const UniqueKey& key,
            const CancelToken& cancel)
      : table_(table), key_(key), cancel_(cancel), source_(NewLibraryRowSource(reader)) {
    std::vector<int> columns;
    for (const size_t i : key.columns) columns.push_back(table.columns[i].source_column);
    reading_ = MakeTableReading(*table.source, std::move(columns), table.reading.where_sql);
  }

  // Rows beyond the first of each key, and examples.
  absl::StatusOr<uint64_t> Count() {
    const uint64_t passes = table_.rows / kKeysAtOnce + 1;
    for (uint64_t pass = 0; pass < passes; ++pass) {
      HashSet<KeyHash> seen;
      RETURN_IF_ERROR(EachKey([&](const KeyHash& hash) {
        if (hash.second % passes != pass || seen.insert(hash).second) return;
        ++count_;
        if (examples_.size() < kExamplesMax) examples_.try_emplace(hash);
      }));
    }
    if (count_ == 0) return count_;
    RETURN_IF_ERROR(EachKey([&](const KeyHash& hash) {
      const auto found = examples_.find(hash);
      if (found == examples_.end() || found->second.size() == kRowsOfExampleMax) return;
      found->second.push_back(source_->DescribeRow());
    }));
    return count_;
  }

  std::string Examples() const {
    std::vector<std::string> groups;
    for (const auto& [hash, rows] : examples_) groups.push_back(absl::StrJoin(rows, " and "));
    return absl::StrJoin(groups, "; ");
  }

 private:
  template <typename Visit>
  absl::Status EachKey(const Visit& visit) {
    RETURN_IF_ERROR(source_->Open(reading_, KeyRange()));
    std::string bytes;
    for (uint64_t rows = 0;; ++rows) {
      if (rows % kRowsBetweenChecks == 0) RETURN_IF_ERROR(cancel_.Check());
      ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source_->Next());
      if (row.empty()) break;
      bytes.clear();
      bool whole = true;
      for (size_t i = 0; i < row.size() && whole; ++i) {
        const size_t column = key_.columns[i];
        whole = AppendCompared(row[i], table_.codecs[column], table_.columns[column].type.oid,
                               &scratch_, &bytes);
      }
      if (!whole) continue;
      Digest digest;
      digest.AddRow(bytes);
      visit(KeyHash(digest.low, digest.high));
    }
    source_->Close();
    return absl::OkStatus();
  }

  const TablePlan& table_;
  const UniqueKey& key_;
  const CancelToken& cancel_;
  std::unique_ptr<RowSource> source_;
  TableReading reading_;
  FieldBuffer scratch_;
  uint64_t count_ = 0;
  std::map<KeyHash, std::vector<std::string>> examples_;
};

}  // namespace

absl::Status FindDuplicateKeys(SqliteConnection& reader, const Plan& plan,
                               std::vector<Finding>* findings, const CancelToken& cancel) {
  for (const TablePlan& table : plan.tables) {
    for (const UniqueKey& key : KeysOf(table)) {
      KeySearch search(reader, table, key, cancel);
      ASSIGN_OR_RETURN(const uint64_t count, search.Count());
      if (count == 0) continue;
      findings->push_back(
          {Severity::kWarning, ErrorCode::kConstraintViolated, table.source->name,
           absl::StrCat(count, " row(s) equal another one in the target by ", key.name, ": ",
                        search.Examples()),
           "mend the rows, or choose a type in the configuration that tells them apart"});
    }
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
