// What verify costs the client for each row that the server sends back: finding tuples in the
// stream, bringing them to their canonical form, and the digest; beside the digest alone.
#include <string>
#include <vector>

#include "bench/micro/allocation_count.h"
#include "benchmark/benchmark.h"
#include "coercion/row_encoder.h"
#include "engine/postgres/copy_frames.h"

namespace lite2pg {
namespace {

constexpr size_t kRows = 1024;

ColumnCodec Codec(Oid oid, int32_t typmod = -1) {
  return *BindColumn(BuiltinType(oid, typmod), ReadingRules{});
}

// Eight columns of a plain row; with `json`, one of them jsonb, which the server rearranges and
// which therefore has the most expensive canonical form.
std::vector<ColumnCodec> Codecs(bool json) {
  return {Codec(kOidInt8), Codec(kOidInt8),  Codec(kOidTimestamp), Codec(kOidText),
          Codec(kOidFloat8), Codec(kOidBool), Codec(json ? kOidJsonb : kOidText), Codec(kOidBytea)};
}

// Tuples as they stand in a COPY stream, in one piece and one by one.
struct Stream {
  std::string bytes;
  std::vector<absl::string_view> tuples;
};

Stream MakeStream(const std::vector<ColumnCodec>& codecs) {
  RowEncoder encoder(codecs);
  FieldBuffer out;
  std::vector<size_t> ends;
  const std::string note = "a short note", digest(32, 'd'), when = "2024-05-06 07:08:09.123",
                    json = R"({"ip": "10.1.2.7", "session": 12345, "tags": ["web", "a b"]})";
  for (size_t i = 0; i < kRows; ++i) {
    SourceValue blob = SourceValue::Text(digest);
    blob.storage_class = StorageClass::kBlob;
    const auto number = static_cast<int64_t>(i);
    const std::vector<SourceValue> row = {
        SourceValue::Integer(number), SourceValue::Integer(number * 7), SourceValue::Text(when),
        SourceValue::Text(note),      SourceValue::Real(0.25 * static_cast<double>(i)),
        SourceValue::Integer(number % 2), SourceValue::Text(json), blob};
    if (encoder.Encode(row, &out).outcome != Outcome::kOk) std::abort();
    ends.push_back(out.size());
  }
  Stream stream;
  stream.bytes.assign(out.view().data(), out.view().size());
  size_t begin = 0;
  for (const size_t end : ends) {
    stream.tuples.emplace_back(stream.bytes.data() + begin, end - begin);
    begin = end;
  }
  return stream;
}

void ReadBack(benchmark::State& state, bool json) {
  const std::vector<ColumnCodec> codecs = Codecs(json);
  const Stream stream = MakeStream(codecs);
  FieldBuffer scratch;
  Digest digest;
  const uint64_t allocations_before = AllocationCount();
  for (auto _ : state) {
    for (const absl::string_view tuple : stream.tuples) {
      if (!AddTupleToDigest(tuple, codecs, &scratch, &digest)) state.SkipWithError("not a tuple");
    }
  }
  benchmark::DoNotOptimize(digest);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * stream.bytes.size()));
  state.counters["allocations_per_row"] =
      static_cast<double>(AllocationCount() - allocations_before) /
      static_cast<double>(state.iterations() * kRows);
}

// As libpq hands it over: a message per row.
void BM_CopyFrames(benchmark::State& state) {
  const Stream stream = MakeStream(Codecs(false));
  CopyFrames frames;
  // The signature, flags and extension length that begin every stream.
  const absl::string_view header("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  size_t bytes = 0;
  const auto on_tuple = [&](absl::string_view tuple) {
    bytes += tuple.size();
    return absl::OkStatus();
  };
  if (!frames.Add(header, on_tuple).ok()) state.SkipWithError("not a header");
  for (auto _ : state) {
    for (const absl::string_view tuple : stream.tuples) {
      if (!frames.Add(tuple, on_tuple).ok()) state.SkipWithError("not a tuple");
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

void BM_ReadBack(benchmark::State& state) { ReadBack(state, false); }
void BM_ReadBackJsonb(benchmark::State& state) { ReadBack(state, true); }

BENCHMARK(BM_CopyFrames);
BENCHMARK(BM_ReadBack);
BENCHMARK(BM_ReadBackJsonb);

}  // namespace
}  // namespace lite2pg
