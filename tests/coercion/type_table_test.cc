// What must hold for every row of the type table. A new type is tested here by adding its row and
// its golden file.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <set>
#include <stdexcept>

#include "coercion/wire.h"
#include "engine/base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

static_assert(kWireFieldBytesMax == kFieldBytesMax, "coercion and engine name different sizes");

class EveryType : public testing::TestWithParam<const TypeCodec*> {
 protected:
  ColumnCodec BindRow() const {
    if (GetParam()->oid != 0) return Bind(GetParam()->oid);
    PgType type;
    type.oid = 100000;
    type.type_name = std::string(GetParam()->name);
    return Bind(type);
  }
};

// More than a gigabyte of letters in two megabytes of memory, which is there again and again.
class ManyLetters {
 public:
  explicit ManyLetters(size_t size_bytes) : size_bytes_((size_bytes / kPiece + 1) * kPiece) {
    const int file = memfd_create("letters", 0);
    const std::string letters(kPiece, 'a');
    bool ok = file >= 0 && write(file, letters.data(), kPiece) == static_cast<ssize_t>(kPiece);
    void* room = mmap(nullptr, size_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok = ok && room != MAP_FAILED;
    begin_ = static_cast<char*>(room);
    for (size_t at = 0; ok && at < size_bytes_; at += kPiece) {
      ok = mmap(begin_ + at, kPiece, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    }
    close(file);
    if (!ok) throw std::runtime_error("no memory can be mapped");
  }
  ~ManyLetters() { munmap(begin_, size_bytes_); }
  absl::string_view View(size_t size_bytes) const { return {begin_, size_bytes}; }

 private:
  static constexpr size_t kPiece = size_t{2} << 20;
  size_t size_bytes_;
  char* begin_;
};

// What the server's memory for one value cannot take is refused before it is written anywhere.
TEST_P(EveryType, RefusesAGigabyte) {
  const ManyLetters letters(kWireFieldBytesMax + 1);
  const ColumnCodec codec = BindRow();
  const absl::string_view bytes = letters.View(kWireFieldBytesMax + 1);
  for (const SourceValue& value : {SourceValue::Text(bytes), SourceValue::Blob(bytes)}) {
    FieldBuffer out;
    out.Reserve(codec.fixed_bytes + codec.expand * value.size_bytes);
    const Outcome outcome =
        codec.encode[static_cast<size_t>(value.storage_class)](value, codec.params, &out);
    EXPECT_NE(outcome, Outcome::kOk) << GetParam()->name;
    EXPECT_TRUE(out.empty());
    const bool is_bytes = GetParam()->oid == kOidBytea;
    const bool is_text = GetParam()->oid == kOidText && value.storage_class == StorageClass::kText;
    if (is_bytes || is_text) {
      EXPECT_EQ(outcome, Outcome::kTooLarge) << GetParam()->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TypeTable, EveryType, testing::ValuesIn(AllCodecs()),
                         [](const auto& row) { return std::string(row.param->name); });

TEST(TypeTable, HasNoOidOrNameTwice) {
  std::set<Oid> oids;
  std::set<std::string> names;
  for (const TypeCodec* row : AllCodecs()) {
    EXPECT_TRUE(row->oid == 0 || oids.insert(row->oid).second) << row->name;
    EXPECT_TRUE(row->array_oid == 0 || oids.insert(row->array_oid).second) << row->name;
    EXPECT_TRUE(names.insert(std::string(row->name)).second) << row->name;
  }
}

TEST_P(EveryType, StatesAllThatARowNeeds) {
  const TypeCodec& row = *GetParam();
  EXPECT_FALSE(row.name.empty());
  EXPECT_FALSE(row.sql_name.empty());
  EXPECT_NE(row.decode, nullptr);
  EXPECT_EQ(row.encode[0], nullptr) << "NULL is encoded by the binding";
  EXPECT_GE(row.fixed_bytes, 4u) << "the length word";
  EXPECT_TRUE(row.oid == 0 || FindCodec(row.oid) == &row);
  EXPECT_EQ(FindCodecByName(row.name), &row);
}

TEST_P(EveryType, HasGoldensOfBothKinds) {
  const std::vector<GoldenCase> goldens = ReadGoldens(GetParam()->name);
  EXPECT_GE(goldens.size(), 5u) << "write " << GoldenPath(GetParam()->name)
                                << " and run tools/dev/make_goldens";
}

TEST_P(EveryType, EncodesTextAsTheServerDoes) {
  for (const GoldenCase& golden : ReadGoldens(GetParam()->name)) {
    SCOPED_TRACE(golden.where + ": " + golden.literal);
    const ColumnCodec codec = Bind(GoldenType(golden), golden.rules);
    const EncodedField field = EncodeOne(codec, golden.AsText());
    EXPECT_TRUE(golden.outcome == "?" || golden.outcome == OutcomeName(field.outcome))
        << OutcomeName(field.outcome) << " instead of " << golden.outcome;
    if (field.outcome != Outcome::kOk) continue;
    EXPECT_FALSE(golden.refused) << "the server refuses this value";
    EXPECT_EQ(ToHex(Compared(codec, field.bytes)), ToHex(Compared(codec, golden.send)));
  }
}

TEST_P(EveryType, DecodesWhatTheServerSends) {
  for (const GoldenCase& golden : ReadGoldens(GetParam()->name)) {
    if (golden.refused) continue;
    SCOPED_TRACE(golden.where + ": " + golden.literal);
    const ColumnCodec codec = Bind(GoldenType(golden), golden.rules);
    std::string text;
    EXPECT_TRUE(codec.decode(golden.send, codec.params, &text));
    EXPECT_EQ(text, golden.text);
  }
}

// Import decodes and encodes again where types differ: nothing may move on that way.
TEST_P(EveryType, EncodesItsOwnTextToTheSameBytes) {
  for (const GoldenCase& golden : ReadGoldens(GetParam()->name)) {
    if (golden.refused || golden.outcome != "ok") continue;
    SCOPED_TRACE(golden.where + ": " + golden.literal);
    ReadingRules rules = golden.rules;
    // The one output form that is not read back by the default rules.
    if (golden.oid == kOidBytea) rules.text = TextReading::kHex;
    // The padding of char(n) is not the value's own.
    if (golden.oid == kOidBpchar) rules.round_to_typmod = true;
    const ColumnCodec codec = Bind(GoldenType(golden), rules);
    std::string text;
    ASSERT_TRUE(codec.decode(golden.send, codec.params, &text));
    const EncodedField field = EncodeOne(codec, SourceValue::Text(text));
    EXPECT_EQ(field.outcome, Outcome::kOk) << text;
    EXPECT_EQ(ToHex(Compared(codec, field.bytes)), ToHex(Compared(codec, golden.send)));
  }
}

TEST_P(EveryType, WritesNullAsMinusOneAndRefusesItInNotNull) {
  const EncodedField null = EncodeOne(BindRow(), SourceValue::Null());
  EXPECT_EQ(null.outcome, Outcome::kOk);
  EXPECT_TRUE(null.null);
  ColumnCodec not_null = BindRow();
  not_null.params.rules.not_null = true;
  EXPECT_EQ(EncodeOne(not_null, SourceValue::Null()).outcome, Outcome::kNullInNotNull);
}

TEST_P(EveryType, NeverCrashesOnRandomBytes) {
  const ColumnCodec codec = BindRow();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<GoldenCase> goldens = ReadGoldens(GetParam()->name);
  for (int i = 0; i < 3000; ++i) {
    // Half of them are a real field with one byte changed or some cut off: noise alone seldom gets
    // behind the first check.
    std::string field(random() % 40, '\0');
    for (char& c : field) c = static_cast<char>(random());
    if (i % 2 == 0) field = goldens[random() % goldens.size()].send;
    if (!field.empty() && random() % 2 == 0) {
      field[random() % field.size()] = static_cast<char>(random());
    }
    if (!field.empty() && random() % 4 == 0) field.resize(random() % field.size());
    // A copy of the exact size, so that the address sanitizer sees a read beyond the end.
    const std::vector<char> exact(field.begin(), field.end());
    const absl::string_view bytes(exact.data(), exact.size());
    std::string text;
    (void)codec.decode(bytes, codec.params, &text);
    if (codec.canonical != nullptr) {
      FieldBuffer out;
      (void)codec.canonical(bytes, codec.params, &out);
    }
  }
}

// Whatever the encoders accept must decode, and its text must encode to the same bytes.
TEST_P(EveryType, AcceptsOnlyWhatItCanGiveBack) {
  ReadingRules rules;
  if (GetParam()->oid == kOidBytea) rules.text = TextReading::kHex;
  ColumnCodec codec = BindRow();
  if (GetParam()->oid == kOidBytea) codec = Bind(kOidBytea, -1, rules);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<GoldenCase> goldens = ReadGoldens(GetParam()->name);
  for (int i = 0; i < 6000; ++i) {
    std::string text = goldens[random() % goldens.size()].literal;
    if (i % 3 != 0 && !text.empty()) {
      static constexpr char kLikely[] = "0123456789-+.eE: /abfxTtZ{}\"\\,";
      text[random() % text.size()] = kLikely[random() % (sizeof(kLikely) - 1)];
    }
    SourceValue value = SourceValue::Text(text);
    if (i % 5 == 1) value = SourceValue::Integer(static_cast<int64_t>(random() >> random() % 64));
    if (i % 5 == 2) {
      const double real = std::bit_cast<double>(static_cast<uint64_t>(random()));
      // SQLite stores NaN as NULL, and the text of a NaN does not show its payload.
      const bool any = i % 2 == 0 && !std::isnan(real);
      value = SourceValue::Real(any ? real : static_cast<double>(random() % 2000) / 100);
    }
    if (i % 5 == 3) value = SourceValue::Blob(text);
    const EncodedField first = EncodeOne(codec, value);
    if (first.outcome != Outcome::kOk || first.null) continue;
    std::string shown;
    ASSERT_TRUE(codec.decode(first.bytes, codec.params, &shown)) << ToHex(first.bytes);
    const EncodedField second = EncodeOne(codec, SourceValue::Text(shown));
    ASSERT_EQ(second.outcome, Outcome::kOk) << text << " -> " << shown;
    ASSERT_EQ(ToHex(Compared(codec, first.bytes)), ToHex(Compared(codec, second.bytes))) << shown;
  }
}

}  // namespace
}  // namespace lite2pg
