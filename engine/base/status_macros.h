// Early return on errors. Debian's Abseil has no status_macros.h.
#ifndef LITE2PG_ENGINE_BASE_STATUS_MACROS_H_
#define LITE2PG_ENGINE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LITE2PG_CONCAT_INNER_(a, b) a##b
#define LITE2PG_CONCAT_(a, b) LITE2PG_CONCAT_INNER_(a, b)

// Returns from the enclosing function if `expr`, an absl::Status, is not OK.
#define RETURN_IF_ERROR(expr)                             \
  do {                                                    \
    ::absl::Status status_macro_result = (expr);          \
    if (!status_macro_result.ok()) return status_macro_result; \
  } while (false)

// Declares or assigns `lhs` from an absl::StatusOr, or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_INNER_(LITE2PG_CONCAT_(status_or_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_INNER_(tmp, lhs, expr) \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()

#endif  // LITE2PG_ENGINE_BASE_STATUS_MACROS_H_
