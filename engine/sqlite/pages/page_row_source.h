// RowSource by reading b-tree pages, with the library behind it for whatever is not as it should.
#ifndef LITE2PG_ENGINE_SQLITE_PAGES_PAGE_ROW_SOURCE_H_
#define LITE2PG_ENGINE_SQLITE_PAGES_PAGE_ROW_SOURCE_H_

#include <memory>

#include "engine/sqlite/pages/page_file.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// `connection` is a reader of `snapshot`, holds its transaction, and outlives the source. Tables
// whose pages may not be read go to the library; with `pages_only` Open refuses them (kUsage).
// Where a page breaks a rule in the middle of a range, the library reads the range once more from
// its beginning; what it says from there on counts, its error as well as its rows.
std::unique_ptr<RowSource> NewPageRowSource(SqliteConnection& connection,
                                            std::shared_ptr<const PageSnapshot> snapshot,
                                            bool pages_only);

// Reads with both, compares every value and key, and stops at the first difference (kDefect).
std::unique_ptr<RowSource> NewBothRowSource(SqliteConnection& connection,
                                            std::shared_ptr<const PageSnapshot> snapshot);

// As FindMiddle of row_source.h, by the interior pages of the table's b-tree: the key has about as
// many pages of the range before it as behind it. nullopt where the pages are not to be used, or
// the range is too small to be cut between pages. Does not disturb what `file` has fetched.
struct TableLayout;
std::optional<SourceKey> FindMiddlePage(PageFile& file, const TableLayout& layout,
                                        const KeyRange& range);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_PAGES_PAGE_ROW_SOURCE_H_
