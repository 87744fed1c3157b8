// Rows of an archived table as values: what SQLite would hold if it held what PostgreSQL does.
#ifndef LITE2PG_ENGINE_COMMAND_ARCHIVE_ROWS_H_
#define LITE2PG_ENGINE_COMMAND_ARCHIVE_ROWS_H_

#include <memory>
#include <vector>

#include "coercion/type_codec.h"
#include "engine/archive/checker.h"
#include "engine/sqlite/external_tables.h"

namespace lite2pg {

// Integers and booleans become INTEGER, float8 REAL, bytea BLOB, everything else TEXT in
// PostgreSQL's own output form, so that the encoder of the same type gives the same bytes back.
// `archive`, `table`, `codecs` and `states` outlive it. A file whose state is not the one in
// `states`, before or after it is read, is an error with exit code 13.
std::unique_ptr<ExternalRows> NewArchiveRows(const OpenArchive& archive, const ArchiveTable& table,
                                             const std::vector<ColumnCodec>& codecs,
                                             const MemberStates& states);

// Whether values of the type are what SQLite had: numbers, texts and blobs that no form of
// PostgreSQL's was put in the place of.
bool HasSourceForm(Oid oid);

// Values of one tuple (fields without their count), for tests. False if it is malformed. Views
// into `fields` and `texts`, which gets an element per column.
bool DecodeFields(absl::string_view fields, const std::vector<ColumnCodec>& codecs,
                  std::vector<std::string>* texts, std::vector<SourceValue>* values);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ARCHIVE_ROWS_H_
