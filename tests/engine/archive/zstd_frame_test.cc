#include "engine/archive/zstd_frame.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace lite2pg {
namespace {

std::string Compress(absl::string_view raw, size_t piece = 1000) {
  std::string stored;
  const FrameWriter::Sink sink = [&](absl::string_view bytes) {
    stored.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  };
  FrameWriter writer;
  for (size_t at = 0; at < raw.size(); at += piece) {
    EXPECT_TRUE(writer.Append(raw.substr(at, piece), sink).ok());
  }
  EXPECT_TRUE(writer.Finish(sink).ok());
  return stored;
}

// What comes out, given `piece` bytes at a time; false for what is no frame.
bool Decompress(absl::string_view stored, size_t piece, size_t room, std::string* raw) {
  FrameReader reader;
  raw->clear();
  std::string buffer(room, '\0');
  while (true) {
    absl::string_view some = stored.substr(0, piece);
    const size_t given = some.size();
    size_t written = 0;
    if (!reader.Read(&some, buffer.data(), buffer.size(), &written)) return false;
    raw->append(buffer, 0, written);
    stored.remove_prefix(given - some.size());
    if (stored.empty() && written == 0) return reader.finished();
  }
}

std::string Sample(size_t bytes) {
  std::mt19937_64 random(5);
  std::string sample;
  while (sample.size() < bytes) sample += std::to_string(random() % 1000) + " some words ";
  return sample;
}

TEST(ZstdFrame, GivesBackWhatWasWrittenHoweverItIsCut) {
  const std::string sample = Sample(300'000);
  const std::string stored = Compress(sample);
  EXPECT_LT(stored.size(), sample.size() / 3);
  std::string raw;
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, stored.size()}) {
    for (const size_t room : {size_t{100}, size_t{1 << 20}}) {
      ASSERT_TRUE(Decompress(stored, piece, room, &raw)) << piece << " " << room;
      ASSERT_EQ(raw, sample);
    }
  }
  ASSERT_TRUE(Decompress(Compress(""), 100, 100, &raw));
  EXPECT_EQ(raw, "");
}

TEST(ZstdFrame, RefusesEveryFlippedBit) {
  const std::string sample = Sample(500);
  const std::string stored = Compress(sample);
  std::string raw;
  for (size_t i = 0; i < stored.size() * 8; ++i) {
    std::string changed = stored;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    // A bit that is unused, or says the same in another way, changes nothing that comes out.
    if (Decompress(changed, 100, 1000, &raw)) {
      ASSERT_EQ(raw, sample) << "bit " << i;
    }
  }
}

TEST(ZstdFrame, RefusesEveryShorterOneAndWhatFollows) {
  const std::string stored = Compress(Sample(500));
  std::string raw;
  for (size_t size = 0; size < stored.size(); ++size) {
    ASSERT_FALSE(Decompress(stored.substr(0, size), 100, 1000, &raw)) << size;
  }
  for (const size_t piece : {size_t{1}, size_t{10000}}) {
    EXPECT_FALSE(Decompress(stored + '\0', piece, 1000, &raw));
    EXPECT_FALSE(Decompress(stored + stored, piece, 1000, &raw));
  }
}

TEST(ZstdFrame, SurvivesRandomBytes) {
  std::mt19937_64 random(11);
  const std::string stored = Compress(Sample(2000));
  std::string raw;
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = stored;
    for (int changes = 0; changes < 4; ++changes) {
      changed[4 + random() % (changed.size() - 4)] = static_cast<char>(random());
    }
    Decompress(changed, 100, 4096, &raw);
  }
}

}  // namespace
}  // namespace lite2pg
