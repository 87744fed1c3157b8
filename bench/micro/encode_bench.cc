// How fast rows of source values become binary COPY tuples with a digest, on one core: by type, and
// a mixed row as applications have them. Bytes are those of the tuples.
#include <string>
#include <vector>

#include "bench/micro/allocation_count.h"
#include "benchmark/benchmark.h"
#include "coercion/row_encoder.h"

namespace lite2pg {
namespace {

// Enough rows that nothing is predicted by heart, few enough that the source stays in the cache.
constexpr size_t kRows = 1024;

struct Table {
  std::vector<ColumnCodec> codecs;
  std::vector<std::string> texts;   // owns what the values view
  std::vector<SourceValue> values;  // row by row
};

ColumnCodec Codec(Oid oid, int32_t typmod = -1) {
  return *BindColumn(BuiltinType(oid, typmod), ReadingRules{});
}

// Varies with the row, and is the same in every run.
uint64_t Mixed(size_t row) { return (row + 1) * 0x9e3779b97f4a7c15u; }

SourceValue TextOf(Table* table, std::string text) {
  table->texts.push_back(std::move(text));
  return SourceValue::Text(table->texts.back());
}

void Run(benchmark::State& state, const Table& table) {
  RowEncoder encoder(table.codecs);
  FieldBuffer out(size_t{1} << 20);
  const size_t columns = table.codecs.size();
  size_t bytes = 0;
  const uint64_t allocations_before = AllocationCount();
  for (auto _ : state) {
    out.Clear();
    for (size_t row = 0; row < kRows; ++row) {
      const RowOutcome outcome =
          encoder.Encode(std::span(&table.values[row * columns], columns), &out);
      if (outcome.outcome != Outcome::kOk) state.SkipWithError("a value was refused");
    }
    bytes += out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  // Buffers grow to their size in the first round; after that, none is allowed.
  const double rows = static_cast<double>(state.iterations() * kRows);
  const double allocations = static_cast<double>(AllocationCount() - allocations_before);
  state.counters["allocations_per_row"] = allocations / rows;
  if (state.iterations() > 20 && allocations > rows / 100) {
    state.SkipWithError("rows are encoded with allocations");
  }
}

// Eight columns of one type, so that the cost of a row is shared.
template <typename MakeValue>
void RunColumns(benchmark::State& state, const ColumnCodec& codec, const MakeValue& make) {
  constexpr size_t kColumns = 8;
  Table table;
  table.texts.reserve(kRows * kColumns);
  table.codecs.assign(kColumns, codec);
  for (size_t i = 0; i < kRows * kColumns; ++i) table.values.push_back(make(&table, Mixed(i)));
  Run(state, table);
}

SourceValue AnyInteger(Table*, uint64_t v) {
  return SourceValue::Integer(static_cast<int64_t>(v >> 33));
}
SourceValue AnyReal(Table*, uint64_t v) {
  return SourceValue::Real(static_cast<double>(v % 10000000) / 100);
}
SourceValue AnyDecimal(Table* table, uint64_t v) {
  return TextOf(table, std::to_string(v % 1000000) + "." + std::to_string(10 + v % 90));
}
SourceValue AnyUuid(Table* table, uint64_t v) {
  std::string hex = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  hex[3] = "0123456789abcdef"[v % 16];
  return TextOf(table, hex);
}
template <size_t kSize>
SourceValue AnyText(Table* table, uint64_t v) {
  std::string text(kSize, 'x');
  for (size_t i = 0; i < kSize; ++i) text[i] = static_cast<char>('a' + (v >> (i % 60)) % 26);
  return TextOf(table, text);
}

void BM_Int8(benchmark::State& s) { RunColumns(s, Codec(kOidInt8), AnyInteger); }
void BM_Float8(benchmark::State& s) { RunColumns(s, Codec(kOidFloat8), AnyReal); }
void BM_Text12(benchmark::State& s) { RunColumns(s, Codec(kOidText), AnyText<12>); }
void BM_Text100(benchmark::State& s) { RunColumns(s, Codec(kOidText), AnyText<100>); }
void BM_Text2000(benchmark::State& s) { RunColumns(s, Codec(kOidText), AnyText<2000>); }
void BM_Bytea100(benchmark::State& s) { RunColumns(s, Codec(kOidBytea), AnyText<100>); }
void BM_NumericFromInteger(benchmark::State& s) { RunColumns(s, Codec(kOidNumeric), AnyInteger); }
void BM_NumericFromReal(benchmark::State& s) {
  RunColumns(s, Codec(kOidNumeric, NumericTypmod(12, 2)), AnyReal);
}
void BM_NumericFromText(benchmark::State& s) {
  RunColumns(s, Codec(kOidNumeric, NumericTypmod(12, 2)), AnyDecimal);
}
void BM_Uuid(benchmark::State& s) { RunColumns(s, Codec(kOidUuid), AnyUuid); }

SourceValue AnyDateTime(Table* table, uint64_t v) {
  std::string text = "2024-05-06 07:08:09.123";
  text[9] = static_cast<char>('1' + v % 9);
  text[18] = static_cast<char>('0' + (v >> 8) % 10);
  return TextOf(table, text);
}
SourceValue AnyDate(Table* table, uint64_t v) {
  std::string text = "2024-05-06";
  text[9] = static_cast<char>('1' + v % 9);
  return TextOf(table, text);
}
SourceValue AnyBool(Table*, uint64_t v) {
  return SourceValue::Integer(static_cast<int64_t>(v % 2));
}
SourceValue AnyJson(Table* table, uint64_t v) {
  return TextOf(table, "{\"ip\": \"10." + std::to_string(v % 256) + ".0.7\", \"session\": " +
                           std::to_string(v % 1000000) + ", \"tags\": [\"web\", \"a b\"]}");
}

void BM_Int2(benchmark::State& s) { RunColumns(s, Codec(kOidInt2), AnyBool); }
void BM_Int4(benchmark::State& s) { RunColumns(s, Codec(kOidInt4), AnyBool); }
void BM_Bool(benchmark::State& s) { RunColumns(s, Codec(kOidBool), AnyBool); }
void BM_Varchar40(benchmark::State& s) {
  RunColumns(s, Codec(kOidVarchar, LengthTypmod(40)), AnyText<12>);
}
void BM_Timestamp(benchmark::State& s) { RunColumns(s, Codec(kOidTimestamp), AnyDateTime); }
void BM_Date(benchmark::State& s) { RunColumns(s, Codec(kOidDate), AnyDate); }
void BM_Json(benchmark::State& s) { RunColumns(s, Codec(kOidJson), AnyJson); }
void BM_Jsonb(benchmark::State& s) { RunColumns(s, Codec(kOidJsonb), AnyJson); }

// Key, foreign key, name, amount, ratio, flag, note, payload, NULL.
void BM_MixedRow(benchmark::State& state) {
  Table table;
  table.texts.reserve(kRows * 9);
  table.codecs = {Codec(kOidInt8),
                  Codec(kOidInt4),
                  Codec(kOidVarchar, LengthTypmod(40)),
                  Codec(kOidNumeric, NumericTypmod(12, 2)),
                  Codec(kOidFloat8),
                  Codec(kOidBool),
                  Codec(kOidText),
                  Codec(kOidBytea),
                  Codec(kOidText)};
  for (size_t row = 0; row < kRows; ++row) {
    const uint64_t v = Mixed(row);
    table.values.push_back(SourceValue::Integer(static_cast<int64_t>(row)));
    table.values.push_back(AnyInteger(&table, v));
    table.values.push_back(AnyText<16>(&table, v));
    table.values.push_back(AnyReal(&table, v));
    table.values.push_back(SourceValue::Real(static_cast<double>(v) / 3e17));
    table.values.push_back(SourceValue::Integer(static_cast<int64_t>(v % 2)));
    table.values.push_back(AnyText<70>(&table, v));
    SourceValue blob = AnyText<32>(&table, v);
    blob.storage_class = StorageClass::kBlob;
    table.values.push_back(blob);
    table.values.push_back(SourceValue::Null());
  }
  Run(state, table);
}

BENCHMARK(BM_Int2);
BENCHMARK(BM_Int4);
BENCHMARK(BM_Bool);
BENCHMARK(BM_Varchar40);
BENCHMARK(BM_Timestamp);
BENCHMARK(BM_Date);
BENCHMARK(BM_Json);
BENCHMARK(BM_Jsonb);
BENCHMARK(BM_Int8);
BENCHMARK(BM_Float8);
BENCHMARK(BM_Text12);
BENCHMARK(BM_Text100);
BENCHMARK(BM_Text2000);
BENCHMARK(BM_Bytea100);
BENCHMARK(BM_NumericFromInteger);
BENCHMARK(BM_NumericFromReal);
BENCHMARK(BM_NumericFromText);
BENCHMARK(BM_Uuid);
BENCHMARK(BM_MixedRow);

}  // namespace
}  // namespace lite2pg
