// Reading JSON that nobody vouches for: every field must be there, once, with its type and within
// its bounds, and nothing else.
#ifndef LITE2PG_ENGINE_ARCHIVE_JSON_FIELDS_H_
#define LITE2PG_ENGINE_ARCHIVE_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

using Json = nlohmann::ordered_json;

// Names and SQL of SQLite need not be UTF-8: what is not becomes {"hex": "..."}.
Json JsonText(absl::string_view bytes);

// Parses without exceptions. Errors (kArchiveAltered) for what is not JSON, for a key that stands
// twice in one object, and for depth beyond kManifestDepthMax.
absl::StatusOr<Json> ParseStrictJson(absl::string_view text, absl::string_view where);

// The fields of one object. The first error is kept and makes every later call do nothing, so that
// a caller asks for status() once. `object` outlives it.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string where);

  void Get(const char* key, std::string* out);  // as JsonText() wrote it
  void Get(const char* key, bool* out);
  void Get(const char* key, int64_t* out);
  void Get(const char* key, uint64_t* out);
  void Get(const char* key, std::optional<int64_t>* out);  // null: no value
  // An integer in [min, max].
  void GetInt(const char* key, int64_t min, int64_t max, int* out);
  void Get(const char* key, std::vector<std::string>* out);
  // The member itself: an array or an object. Never nullptr; an empty one after an error.
  const Json& Array(const char* key);
  const Json& Object(const char* key);

  void Fail(absl::string_view what);
  // OK when all was well and every member of the object was asked for.
  absl::Status Finish();

 private:
  const Json* Find(const char* key);

  const Json& object_;
  const std::string where_;
  size_t taken_ = 0;
  absl::Status status_;
};

// True and *out set if `value` is what JsonText() writes.
bool TextOfJson(const Json& value, std::string* out);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_ARCHIVE_JSON_FIELDS_H_
