// The small languages that option values are written in. All errors are one phrase that completes
// "--option: ...", with the value escaped.
#ifndef LITE2PG_TOOLS_CLI_OPTION_VALUES_H_
#define LITE2PG_TOOLS_CLI_OPTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/command/request.h"

namespace lite2pg {

// "256MiB", "1GB", "64 k", "1048576": decimal units are powers of 1000, binary ones of 1024.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// A whole decimal number from `least` to `most`.
absl::StatusOr<int64_t> ParseWhole(absl::string_view text, int64_t least, int64_t most);

// "1000" or "2.5%", into the two members of `policy`.
absl::Status ParseMaxRejects(absl::string_view text, LoadPolicy* policy);

struct ColumnPath {
  std::string table, column;
};
// TABLE.COLUMN. A name with a dot, '=', comma or quote is written in double quotes, quotes inside
// doubled. Without quotes the last dot divides.
absl::StatusOr<ColumnPath> ParseColumnPath(absl::string_view text);

struct Assignment {
  ColumnPath path;
  std::string value;
};
// TABLE.COLUMN=VALUE.
absl::StatusOr<Assignment> ParseColumnAssignment(absl::string_view text);

struct TableAssignment {
  std::string table, value;
};
// TABLE=VALUE; VALUE must not be empty.
absl::StatusOr<TableAssignment> ParseTableAssignment(absl::string_view text);

// "a,b,\"c,d\"".
absl::StatusOr<std::vector<std::string>> ParseNameList(absl::string_view text);

// A literal, or "sql:EXPRESSION".
absl::StatusOr<FillValue> ParseFill(absl::string_view text);

// A glob over table names: * ? [..], not empty and with closed brackets.
absl::Status CheckGlob(absl::string_view glob);

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_OPTION_VALUES_H_
