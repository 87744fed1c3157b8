// How a table is cut into ranges of its key.
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/key_sql.h"
#include "engine/sqlite/row_source.h"
#include "engine/sqlite/stand_in_collations.h"
#include "engine/sqlite/utf16.h"
#include "engine/sqlite/value_reader.h"

namespace lite2pg {
namespace {

KeyKind ChooseKey(const SourceTable& table) {
  if (table.kind != SourceTableKind::kWithoutRowid && !table.without_rowid) {
    // Of virtual tables only those have one that are read from an ordinary table.
    const bool has_rowid = table.rowid_alias >= 0 || (table.kind != SourceTableKind::kVirtual &&
                                                      !table.rowid_name.empty());
    return has_rowid ? KeyKind::kRowid : KeyKind::kNone;
  }
  for (const SourceIndex& index : table.indexes) {
    if (index.origin != 'p') continue;
    for (const SourceIndexColumn& column : index.columns) {
      if (column.column < 0 || !IsBuiltInCollation(column.collation)) return KeyKind::kNone;
    }
    return index.columns.empty() ? KeyKind::kNone : KeyKind::kPrimaryKey;
  }
  return KeyKind::kNone;
}

// ---- Interpolation: a value between two others, by arithmetic alone ---------------------------

// The bytes that keys between two others are likely made of. Keys of digits spread over ten values
// of a byte and not over 256; halving by bytes would put nearly all of them on one side.
class Alphabet {
 public:
  Alphabet(absl::string_view low, absl::string_view high) {
    for (const absl::string_view text : {low, high}) {
      for (const char c : text) Add(static_cast<uint8_t>(c));
    }
    for (int byte = 0; byte < 256; ++byte) {
      if (present_[static_cast<size_t>(byte)]) symbols_.push_back(static_cast<char>(byte));
    }
  }

  uint64_t size() const { return symbols_.size(); }
  char symbol(uint64_t index) const { return symbols_[index]; }
  // Where `c` stands among the symbols. It is one of them.
  uint64_t index(char c) const { return symbols_.find(c); }

 private:
  void AddAll(int from, int to) {
    for (int byte = from; byte <= to; ++byte) present_[static_cast<size_t>(byte)] = true;
  }
  void Add(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
      AddAll('0', '9');
    } else if (absl::ascii_isalpha(byte)) {
      // Hexadecimal digits until another letter shows.
      const uint8_t first = absl::ascii_islower(byte) ? uint8_t{'a'} : uint8_t{'A'};
      AddAll(first, byte <= first + 5 ? first + 5 : first + 25);
    } else if (byte == 0 || absl::ascii_isprint(byte)) {
      AddAll(byte, byte);
    } else {
      AddAll(0, 255);
    }
  }

  std::array<bool, 256> present_{};
  std::string symbols_;
};

// The middle of two byte strings, read as fractions after what they share. Eight places are enough
// to halve a range; more would only make the key longer.
std::string MiddleBytes(absl::string_view low, absl::string_view high) {
  constexpr size_t kPlaces = 8;
  size_t shared = 0;
  while (shared < low.size() && shared < high.size() && low[shared] == high[shared]) ++shared;
  const absl::string_view low_rest = low.substr(shared, kPlaces);
  const absl::string_view high_rest = high.substr(shared, kPlaces);
  const Alphabet alphabet(low_rest, high_rest);
  if (alphabet.size() < 2) return std::string(low);
  const auto fraction = [&alphabet](absl::string_view rest) {
    uint64_t value = 0;
    for (size_t i = 0; i < kPlaces; ++i) {
      value = value * alphabet.size() + (i < rest.size() ? alphabet.index(rest[i]) : 0);
    }
    return value;
  };
  const uint64_t from = fraction(low_rest), to = fraction(high_rest);
  uint64_t middle = from + (to > from ? (to - from) / 2 : 0);
  std::string out(low.substr(0, shared));
  out.resize(shared + kPlaces);
  for (size_t i = kPlaces; i > 0; --i, middle /= alphabet.size()) {
    out[shared + i - 1] = alphabet.symbol(middle % alphabet.size());
  }
  return out;
}

// The bytes that text is ordered by under `collation`: its own, those of UTF-16 in the database's
// byte order, or folded to lower case.
class TextOrder {
 public:
  TextOrder(absl::string_view collation, bool utf16, bool big_endian)
      : fold_(absl::EqualsIgnoreCase(collation, "NOCASE")),
        // NOCASE and RTRIM are defined on UTF-8 only; SQLite converts for them.
        utf16_(utf16 && absl::EqualsIgnoreCase(collation, "BINARY")),
        big_endian_(big_endian) {}

  // Not before `low` and not after `high` in most cases; the caller checks.
  std::string Middle(absl::string_view low, absl::string_view high) const {
    return Decode(MiddleBytes(Encode(low), Encode(high)));
  }

 private:
  std::string Encode(absl::string_view text) const {
    if (fold_) return absl::AsciiStrToLower(text);
    if (!utf16_) return std::string(text);
    const std::u16string units = Wtf8ToUtf16(text);
    return SwapUnlessNative(
        std::string(reinterpret_cast<const char*>(units.data()), units.size() * 2));
  }

  std::string Decode(std::string bytes) const {
    if (fold_) {
      // Upper case would sort as lower case, far from where it stands; '@' comes just before it.
      for (char& c : bytes) {
        if (absl::ascii_isupper(static_cast<unsigned char>(c))) c = '@';
      }
    }
    if (!utf16_) return bytes;
    bytes.resize(bytes.size() / 2 * 2);
    bytes = SwapUnlessNative(std::move(bytes));
    std::string out(Wtf8BytesMax(bytes.size()), '\0');
    out.resize(Utf16ToWtf8(bytes.data(), bytes.size(), out.data()));
    return out;
  }

  std::string SwapUnlessNative(std::string bytes) const {
    for (size_t i = 0; big_endian_ && i + 1 < bytes.size(); i += 2) {
      std::swap(bytes[i], bytes[i + 1]);
    }
    return bytes;
  }

  bool fold_, utf16_, big_endian_;
};

bool IsNumber(const SourceValue& value) {
  return value.storage_class == StorageClass::kInteger ||
         value.storage_class == StorageClass::kReal;
}

// Halfway from `a` towards `b`, never `b` itself unless they are equal.
int64_t MiddleInteger(int64_t a, int64_t b) {
  const auto from = static_cast<uint64_t>(a), to = static_cast<uint64_t>(b);
  return static_cast<int64_t>(a <= b ? from + (to - from) / 2 : from - (from - to) / 2);
}

double MiddleReal(const SourceValue& a, const SourceValue& b) {
  const auto finite = [](const SourceValue& v) {
    constexpr double kMax = std::numeric_limits<double>::max();
    const double real =
        v.storage_class == StorageClass::kReal ? v.real : static_cast<double>(v.integer);
    return std::fmin(std::fmax(real, -kMax), kMax);
  };
  return finite(a) / 2 + finite(b) / 2;
}

// A place in one column: what comes before it, and at it if inclusive, is the lower part.
struct Cut {
  OwnedValue at;
  bool inclusive = true;
};

// A cut between `first` and `last`, which differ, in b-tree order of `column`. Only a proposal:
// what is between them by arithmetic need not be so by SQLite's rules.
Cut ProposeCut(const KeyColumn& column, const TextOrder& text_order, const SourceValue& first,
               const SourceValue& last) {
  if (first.storage_class == StorageClass::kInteger &&
      last.storage_class == StorageClass::kInteger) {
    return {OwnedValue(SourceValue::Integer(MiddleInteger(first.integer, last.integer)))};
  }
  if (IsNumber(first) && IsNumber(last)) {
    return {OwnedValue(SourceValue::Real(MiddleReal(first, last)))};
  }
  const bool down = column.descending;
  if (first.storage_class == last.storage_class) {
    const absl::string_view low = (down ? last : first).bytes();
    const absl::string_view high = (down ? first : last).bytes();
    if (first.storage_class == StorageClass::kBlob) {
      return {OwnedValue(SourceValue::Blob(MiddleBytes(low, high)))};
    }
    return {OwnedValue(SourceValue::Text(text_order.Middle(low, high)))};
  }
  // Numbers, texts and blobs follow each other: cut at the least value of the greater class.
  const SourceValue& greater = down ? first : last;
  const SourceValue least = greater.storage_class == StorageClass::kBlob ? SourceValue::Blob("")
                                                                         : SourceValue::Text("");
  return {OwnedValue(least), /*inclusive=*/down};
}

// ---- Look-ups ---------------------------------------------------------------------------------

class MiddleFinder {
 public:
  MiddleFinder(SqliteConnection& connection, const TableReading& reading)
      : connection_(connection), reading_(reading), key_(KeyColumnsOf(reading)) {}

  absl::StatusOr<std::optional<SourceKey>> Find(const KeyRange& range);

 private:
  using OptionalKey = std::optional<SourceKey>;

  absl::StatusOr<OptionalKey> End(const std::vector<KeySegment>& segments, bool backwards);
  absl::StatusOr<OptionalKey> EndOfSegment(const KeySegment& segment, bool backwards);
  absl::StatusOr<OptionalKey> LastBefore(const SourceKey& first, const SourceKey& last,
                                         size_t column, const Cut& cut);
  absl::StatusOr<TextOrder> OrderOfText(const KeyColumn& column);

  SqliteConnection& connection_;
  const TableReading& reading_;
  const std::vector<KeyColumn> key_;
};

absl::StatusOr<MiddleFinder::OptionalKey> MiddleFinder::EndOfSegment(const KeySegment& segment,
                                                                     bool backwards) {
  std::string sql = "SELECT ";
  for (size_t i = 0; i < key_.size(); ++i) {
    // Not key_[i].sql: a COLLATE has no place here.
    const int column = key_[i].table_column;
    const std::vector<SourceColumn>& columns = reading_.table->columns;
    absl::StrAppend(
        &sql, i == 0 ? "" : ", ",
        column < 0 ? key_[i].sql
                   : QuoteSqliteIdentifier(columns[static_cast<size_t>(column)].read_name()));
  }
  const std::string condition = SegmentCondition(key_, segment);
  absl::StrAppend(&sql, " FROM ", FromTable(reading_), condition.empty() ? "" : " WHERE ",
                  condition, OrderByKey(key_, backwards), " LIMIT 1");
  ASSIGN_OR_RETURN(SqliteStatement statement, connection_.Prepare(sql));
  BindSegment(segment, &statement);
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return OptionalKey();
  ValueReader reader(static_cast<int>(key_.size()), connection_.utf16());
  if (!reader.Read(statement.raw())) {
    return MakeError(ErrorCode::kSourceLimit, ExitCode::kOutOfResource, "out of memory");
  }
  SourceKey key;
  for (const SourceValue& value : reader.values()) key.emplace_back(value);
  return OptionalKey(std::move(key));
}

absl::StatusOr<MiddleFinder::OptionalKey> MiddleFinder::End(
    const std::vector<KeySegment>& segments, bool backwards) {
  for (size_t i = 0; i < segments.size(); ++i) {
    const KeySegment& segment = segments[backwards ? segments.size() - 1 - i : i];
    ASSIGN_OR_RETURN(OptionalKey key, EndOfSegment(segment, backwards));
    if (key.has_value()) return key;
  }
  return OptionalKey();
}

absl::StatusOr<TextOrder> MiddleFinder::OrderOfText(const KeyColumn& column) {
  bool big_endian = false;
  if (connection_.utf16()) {
    ASSIGN_OR_RETURN(const std::string encoding, connection_.QueryText("PRAGMA encoding"));
    big_endian = encoding == "UTF-16be";
  }
  return TextOrder(column.collation, connection_.utf16(), big_endian);
}

// The last row that shares `first`'s columns before `column` and is not beyond `cut` there. It
// must turn out to be between `first` and `last`: affinity may make another value of the cut, and
// in a damaged b-tree anything is possible.
absl::StatusOr<MiddleFinder::OptionalKey> MiddleFinder::LastBefore(const SourceKey& first,
                                                                   const SourceKey& last,
                                                                   size_t column, const Cut& cut) {
  KeySegment segment;
  segment.prefix = &first;
  segment.fixed = column;
  segment.up_to = &cut.at;
  segment.up_to_inclusive = cut.inclusive;
  ASSIGN_OR_RETURN(OptionalKey found, EndOfSegment(segment, /*backwards=*/true));
  if (!found.has_value()) return OptionalKey();
  ASSIGN_OR_RETURN(const int from_first, CompareKeys(connection_, key_, first, *found));
  ASSIGN_OR_RETURN(const int from_last, CompareKeys(connection_, key_, *found, last));
  if (from_first > 0 || from_last >= 0) return OptionalKey();
  return found;
}

absl::StatusOr<MiddleFinder::OptionalKey> MiddleFinder::Find(const KeyRange& range) {
  if (key_.empty()) return OptionalKey();
  ASSIGN_OR_RETURN(const std::vector<KeySegment> segments, SegmentsOf(connection_, key_, range));
  ASSIGN_OR_RETURN(const OptionalKey first, End(segments, /*backwards=*/false));
  if (!first.has_value()) return OptionalKey();
  ASSIGN_OR_RETURN(const OptionalKey last, End(segments, /*backwards=*/true));
  if (!last.has_value()) return OptionalKey();
  size_t column = 0;
  int order = 0;
  for (; column < key_.size() && order == 0; ++column) {
    ASSIGN_OR_RETURN(order, CompareKeyValues(connection_, key_[column], (*first)[column].view(),
                                             (*last)[column].view()));
  }
  if (order >= 0) return OptionalKey();
  --column;
  const SourceValue from = (*first)[column].view(), to = (*last)[column].view();
  if (reading_.key_kind == KeyKind::kRowid) {
    return OptionalKey(
        SourceKey{OwnedValue(SourceValue::Integer(MiddleInteger(from.integer, to.integer)))});
  }
  ASSIGN_OR_RETURN(const TextOrder text_order, OrderOfText(key_[column]));
  ASSIGN_OR_RETURN(OptionalKey middle,
                   LastBefore(*first, *last, column,
                              ProposeCut(key_[column], text_order, from, to)));
  if (middle.has_value()) return middle;
  // No luck with arithmetic: all rows that share the first one's value are one part.
  return LastBefore(*first, *last, column, Cut{(*first)[column]});
}

}  // namespace

TableReading MakeTableReading(const SourceTable& table, std::vector<int> columns,
                              std::string where_sql) {
  TableReading reading;
  reading.table = &table;
  reading.columns = std::move(columns);
  reading.key_kind = ChooseKey(table);
  reading.where_sql = std::move(where_sql);
  return reading;
}

absl::StatusOr<std::optional<SourceKey>> FindMiddle(SqliteConnection& connection,
                                                    const TableReading& reading,
                                                    const KeyRange& range) {
  const SqliteDeadline deadline(connection, connection.schema_timeout_ms());
  return MiddleFinder(connection, reading).Find(range);
}

std::string DescribeRange(const TableReading& reading, const KeyRange& range) {
  if (reading.key_kind == KeyKind::kNone) return "(whole table)";
  const std::vector<KeyColumn> key = KeyColumnsOf(reading);
  return absl::StrCat("(", range.after.has_value() ? DescribeKey(key, *range.after) : "start", ", ",
                      range.up_to.has_value() ? DescribeKey(key, *range.up_to) + "]" : "end)");
}

}  // namespace lite2pg
