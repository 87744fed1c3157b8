// How the configuration file names the readings of a column: one list for the parser of the file,
// for the lines that findings suggest, and for the documentation.
#ifndef LITE2PG_ENGINE_PLAN_READING_NAMES_H_
#define LITE2PG_ENGINE_PLAN_READING_NAMES_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// Indexed by NumberReading.
inline constexpr absl::string_view kNumberReadingNames[] = {
    "none",       "unix-seconds", "unix-millis",   "unix-micros",  "unix-nanos",
    "julian-day", "dotnet-ticks", "apple-seconds", "chrome-micros"};
static_assert(sizeof(kNumberReadingNames) / sizeof(kNumberReadingNames[0]) == kNumberReadingCount);

// Indexed by TextReading.
inline constexpr absl::string_view kTextReadingNames[] = {"plain", "hex", "base64"};

// Indexed by BlobReading.
inline constexpr absl::string_view kBlobReadingNames[] = {"plain", "uuid", "uuid-mixed-endian",
                                                          "sqlite-jsonb", "utf8-text"};

// Indexed by OffsetReading.
inline constexpr absl::string_view kOffsetReadingNames[] = {"refuse", "zero", "utc"};

constexpr absl::string_view ReadingName(NumberReading reading) {
  return kNumberReadingNames[static_cast<size_t>(reading)];
}
constexpr absl::string_view ReadingName(TextReading reading) {
  return kTextReadingNames[static_cast<size_t>(reading)];
}
constexpr absl::string_view ReadingName(OffsetReading reading) {
  return kOffsetReadingNames[static_cast<size_t>(reading)];
}
constexpr absl::string_view ReadingName(BlobReading reading) {
  return kBlobReadingNames[static_cast<size_t>(reading)];
}

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_READING_NAMES_H_
