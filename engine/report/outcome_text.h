// The few sentences that every form of the report shares, so that text and HTML agree.
#ifndef LITE2PG_ENGINE_REPORT_OUTCOME_TEXT_H_
#define LITE2PG_ENGINE_REPORT_OUTCOME_TEXT_H_

#include <string>
#include <vector>

#include "engine/report/report.h"

namespace lite2pg {

enum class Tone : uint8_t { kGood, kWarning, kBad };
Tone ToneOf(const Report& report);

// "verified: 3 tables, 1,234 rows, 5.6 MiB in 1.20 s". No full stop; may hold untrusted bytes
// only where an error's sentence does.
std::string OutcomeSentence(const Report& report);

// What an exit code means, in the contract's words: "source locked or busy".
absl::string_view ExitCodeMeaning(ExitCode code);

// Blocking first, then warnings, then the rest; within one severity in the order found. Pointers
// into `report`.
std::vector<const Finding*> SortedFindings(const Report& report);

// The column has the type that it was declared with, or the one that the target or the user gave
// it: nothing to look at.
bool IsAsDeclared(const ColumnReport& column);

// "primary_key" in a sentence: "primary key".
std::string KindWords(absl::string_view kind);

// "orders" or "orders -> Orders"; untrusted.
std::string TableTitle(const TableReport& table);

// "equal", "DIFFERS", "not compared", or the state of a table that was not copied.
std::string ComparedWord(const TableReport& table);

// "1 table", "2 tables".
std::string Counted(uint64_t n, absl::string_view singular);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_OUTCOME_TEXT_H_
