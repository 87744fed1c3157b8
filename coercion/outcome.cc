#include "coercion/outcome.h"

#include <iterator>

namespace lite2pg {
namespace {
constexpr absl::string_view kPhrases[] = {
    "fine",
    "NULL in a column that is NOT NULL",
    "of a storage class that has no reading in the column's type",
    "outside the range of the column's type",
    "longer than the column allows",
    "text that is not valid UTF-8",
    "text with a NUL character, which PostgreSQL cannot hold in text",
    "not in the form that the column's type accepts",
    "only storable in the column's type with a loss",
    "not a label of the column's enum type",
    "readable in more than one way",
    "larger than PostgreSQL can hold",
};
static_assert(std::size(kPhrases) == kOutcomeCount);
}  // namespace

absl::string_view OutcomePhrase(Outcome outcome) {
  return kPhrases[static_cast<size_t>(outcome)];
}

}  // namespace lite2pg
