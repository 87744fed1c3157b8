#include "engine/postgres/copy_frames.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coercion/field_buffer.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

std::string Tuple(const std::vector<std::string>& fields) {
  FieldBuffer out(64);
  out.PutInt16(static_cast<int16_t>(fields.size()));
  for (const std::string& field : fields) {
    out.Reserve(field.size() + 8);
    if (field == "NULL") {
      out.PutInt32(-1);
      continue;
    }
    out.PutInt32(static_cast<int32_t>(field.size()));
    out.PutBytes(field);
  }
  return std::string(out.view());
}

std::string Stream(const std::vector<std::string>& tuples) {
  std::string stream(kCopyBinaryHeader);
  for (const std::string& tuple : tuples) stream += tuple;
  return absl::StrCat(stream, kCopyBinaryTrailer);
}

// Feeds the messages; the tuples, or an error.
absl::StatusOr<std::vector<std::string>> Take(const std::vector<std::string>& messages) {
  CopyFrames frames;
  std::vector<std::string> tuples;
  for (const std::string& message : messages) {
    const absl::Status status = frames.Add(message, [&](absl::string_view tuple) {
      tuples.emplace_back(tuple);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
  }
  if (!frames.Finish().ok()) return frames.Finish();
  EXPECT_EQ(frames.tuples(), tuples.size());
  return tuples;
}

const std::vector<std::string>& Sample() {
  static const auto* const kSample = new std::vector<std::string>{
      Tuple({"a", "NULL", ""}), Tuple({}), Tuple({std::string(3000, 'x')}), Tuple({"\xFF\xFF"})};
  return *kSample;
}

TEST(CopyFrames, HeaderAloneOrWithTheFirstTuple) {
  const std::string header(kCopyBinaryHeader), trailer(kCopyBinaryTrailer);
  EXPECT_EQ(*Take({header, Sample()[0], trailer}), std::vector{Sample()[0]});
  EXPECT_EQ(*Take({header + Sample()[0], Sample()[2], trailer}),
            (std::vector{Sample()[0], Sample()[2]}));
  EXPECT_TRUE(Take({header + trailer})->empty());
}

TEST(CopyFrames, AnyCutGivesTheSameTuples) {
  const std::string stream = Stream(Sample());
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    const auto tuples = Take({stream.substr(0, cut), stream.substr(cut)});
    ASSERT_TRUE(tuples.ok()) << cut << tuples.status();
    ASSERT_EQ(*tuples, Sample()) << cut;
  }
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(*Take(bytes), Sample());
}

TEST(CopyFrames, EveryTruncationIsAnError) {
  const std::string stream = Stream(Sample());
  for (size_t size = 0; size < stream.size(); ++size) {
    EXPECT_FALSE(Take({stream.substr(0, size)}).ok()) << size;
  }
}

TEST(CopyFrames, HeaderExtensionIsSkippedAndCriticalFlagsAreNot) {
  std::string stream = Stream(Sample());
  std::string extended = stream;
  extended[18] = 3;
  extended.insert(19, "ext");
  EXPECT_EQ(*Take({extended}), Sample());
  std::string critical = stream;
  critical[12] = 1;  // bit 16: OIDs
  EXPECT_FALSE(Take({critical}).ok());
  std::string harmless = stream;
  harmless[14] = 1;
  EXPECT_TRUE(Take({harmless}).ok());
}

TEST(CopyFrames, WrongBytesAreErrors) {
  EXPECT_FALSE(Take({"PGCOPY\r\n"}).ok());
  EXPECT_FALSE(Take({Stream(Sample()) + "x"}).ok());
  const std::string header(kCopyBinaryHeader);
  EXPECT_FALSE(Take({header + std::string("\xFF\xFE", 2)}).ok());
  EXPECT_FALSE(Take({header + std::string("\0\1\xFF\xFF\xFF\xFE", 6)}).ok());
}

TEST(CopyFrames, RandomDamageNeverCrashes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string stream = Stream(Sample());
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = stream;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      damaged[random() % 64] = static_cast<char>(random());
    }
    const size_t cut = random() % damaged.size();
    Take({damaged.substr(0, cut), damaged.substr(cut)}).status().IgnoreError();
  }
}

TEST(CopyFrames, CallbackErrorIsReturned) {
  CopyFrames frames;
  const absl::Status status =
      frames.Add(Stream(Sample()), [](absl::string_view) { return absl::AbortedError("stop"); });
  EXPECT_EQ(status.message(), "stop");
}

TEST(TupleLength, TellsIncompleteFromImpossible) {
  const std::string tuple = Tuple({"ab", "NULL"});
  EXPECT_EQ(TupleLength(tuple), tuple.size());
  EXPECT_EQ(TupleLength(tuple + "more"), tuple.size());
  for (size_t size = 0; size < tuple.size(); ++size) {
    EXPECT_EQ(TupleLength(tuple.substr(0, size)), 0u);
  }
  EXPECT_EQ(TupleLength(absl::string_view("\x7F\xFF", 2)), SIZE_MAX);
}

}  // namespace
}  // namespace lite2pg
