// A binary COPY stream as any server or archive may send it: in whatever messages it is cut, the
// same tuples come out, or the same refusal; no tuple is longer than it was.
#include <string>
#include <vector>

#include "coercion/row_encoder.h"
#include "coercion/type_codec.h"
#include "engine/postgres/copy_frames.h"
#include "tests/fuzz/fuzz.h"

namespace lite2pg {
namespace {

struct Result {
  bool ok = false;
  std::vector<std::string> tuples;
};

Result ReadStream(absl::string_view stream, const std::vector<size_t>& cuts) {
  CopyFrames frames;
  Result result;
  const auto on_tuple = [&result](absl::string_view tuple) {
    result.tuples.emplace_back(tuple.data(), tuple.size());
    return absl::OkStatus();
  };
  size_t at = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t to = i == cuts.size() ? stream.size() : std::min(at + cuts[i], stream.size());
    const std::string message(stream.substr(at, to - at));  // its own memory: ASan sees its ends
    if (!frames.Add(message, on_tuple).ok()) return result;
    at = to;
  }
  result.ok = frames.Finish().ok();
  return result;
}

std::vector<ColumnCodec> Columns(FuzzInput* input) {
  std::vector<ColumnCodec> columns;
  for (size_t i = input->Choice(4) + 1; i > 0; --i) {
    const TypeCodec& row = *AllCodecs()[input->Choice(AllCodecs().size())];
    if (row.oid == 0) continue;
    absl::StatusOr<ColumnCodec> codec = BindColumn(BuiltinType(row.oid), ReadingRules{});
    if (codec.ok()) columns.push_back(*std::move(codec));
  }
  return columns;
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  FuzzInput input(data, size);
  const std::vector<ColumnCodec> columns = Columns(&input);
  std::vector<size_t> cuts;
  for (size_t i = input.Choice(8); i > 0; --i) cuts.push_back(input.Choice(64));
  std::string stream;
  if (input.Byte() & 1) stream.assign("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  const absl::string_view rest = input.Rest();
  stream.append(rest.data(), rest.size());
  const Result whole = ReadStream(stream, {}), pieces = ReadStream(stream, cuts);
  Require(whole.ok == pieces.ok, "accepted only in one piece or only in several");
  if (whole.ok) Require(whole.tuples == pieces.tuples, "other tuples when cut otherwise");
  for (const std::string& tuple : whole.tuples) {
    Require(TupleLength(tuple) == tuple.size(), "a tuple of another length");
    FieldBuffer scratch, line;
    Digest digest;
    AddTupleToDigest(tuple, columns, &scratch, &digest);
    AppendTextRow(tuple, columns, &line);
  }
  return 0;
}
