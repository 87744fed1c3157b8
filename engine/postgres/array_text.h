// PostgreSQL's text form of one-dimensional arrays, for parameters and results. No libpq.
#ifndef LITE2PG_ENGINE_POSTGRES_ARRAY_TEXT_H_
#define LITE2PG_ENGINE_POSTGRES_ARRAY_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lite2pg {

// {"a","b\"c",NULL}: every element quoted, so that none can be taken for NULL or a border.
std::string FormatArray(const std::vector<std::optional<std::string>>& elements);
std::string FormatArray(const std::vector<std::string>& elements);

// The inverse, for what the server prints of a one-dimensional array. False if it is not one.
bool ParseArray(absl::string_view text, std::vector<std::optional<std::string>>* elements);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_ARRAY_TEXT_H_
