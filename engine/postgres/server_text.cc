#include "engine/postgres/server_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/error.h"

namespace lite2pg {
namespace {

// A result has at most 1,664 columns (PostgreSQL: MaxTupleAttributeNumber); so many values also
// keep the text of the statement short.
constexpr size_t kBatchValuesMax = 250;
constexpr size_t kBatchBytesMax = size_t{1} << 20;

constexpr absl::string_view kSavepoint = "lite2pg_reading";

// regproc, regprocedure, regoper, regoperator, regclass, regtype, regconfig, regdictionary,
// regnamespace, regrole, regcollation (src/include/catalog/pg_type.dat).
constexpr Oid kNamesOfObjects[] = {24,   2202, 2203, 2204, 2205, 2206,
                                   3734, 3769, 4089, 4096, 4191};

bool NamesObjects(const PgType& type) {
  return std::find(std::begin(kNamesOfObjects), std::end(kNamesOfObjects), type.oid) !=
         std::end(kNamesOfObjects);
}

std::string Printed(const PgType& type, absl::string_view operand) {
  const PgType& base = type.base != nullptr ? *type.base : type;
  absl::string_view cast = "";
  if (NamesObjects(base)) cast = "::pg_catalog.oid";
  if (base.element != nullptr && NamesObjects(*base.element)) cast = "::pg_catalog.oid[]";
  return absl::StrCat("pg_catalog.format('%s', ", operand, cast, ")");
}

class Reading {
 public:
  Reading(PgConnection& connection, const PgType& type, const std::vector<std::string>& texts)
      : connection_(connection), type_(type), texts_(texts), readings_(texts.size()) {}

  absl::StatusOr<std::vector<ServerValue>> Run() {
    size_t from = 0;
    while (from < texts_.size()) {
      size_t end = from, bytes = 0;
      while (end < texts_.size() && end - from < kBatchValuesMax && bytes < kBatchBytesMax) {
        bytes += texts_[end++].size();
      }
      RETURN_IF_ERROR(Part(from, end));
      from = end;
    }
    return std::move(readings_);
  }

 private:
  absl::Status Part(size_t from, size_t end) {
    const absl::StatusOr<PgResult> result = Ask(from, end);
    if (result.ok()) {
      for (size_t i = from; i < end; ++i) {
        readings_[i].text = std::string(result->Text(0, static_cast<int>(i - from)));
      }
      return absl::OkStatus();
    }
    // Not the values' fault: the connection, a missing type, or a lack of memory.
    const std::string state = InfoOf(result.status()).sqlstate;
    if (!connection_.alive() || state.empty() || state.substr(0, 2) == "57") {
      return result.status();
    }
    if (end - from == 1) {
      readings_[from].status = result.status();
      return absl::OkStatus();
    }
    const size_t middle = from + (end - from) / 2;
    RETURN_IF_ERROR(Part(from, middle));
    return Part(middle, end);
  }

  // Parameters without a declared type get the one they are cast to, so that its input function
  // reads them; text would be cast, and some types have casts that read otherwise.
  absl::StatusOr<PgResult> Ask(size_t from, size_t end) {
    std::string sql = "SELECT ";
    std::vector<PgParam> params;
    for (size_t i = from; i < end; ++i) {
      params.emplace_back(texts_[i]);
      absl::StrAppend(&sql, i == from ? "" : ", ",
                      Printed(type_, absl::StrCat("$", params.size(), "::", type_.sql_name)));
    }
    if (!connection_.in_transaction()) return connection_.Query(sql, params);
    RETURN_IF_ERROR(connection_.Execute(absl::StrCat("SAVEPOINT ", kSavepoint)));
    absl::StatusOr<PgResult> result = connection_.Query(sql, params);
    if (!result.ok() && connection_.alive()) {
      RETURN_IF_ERROR(connection_.Execute(absl::StrCat("ROLLBACK TO SAVEPOINT ", kSavepoint)));
    }
    if (connection_.alive()) {
      RETURN_IF_ERROR(connection_.Execute(absl::StrCat("RELEASE SAVEPOINT ", kSavepoint)));
    }
    return result;
  }

  PgConnection& connection_;
  const PgType& type_;
  const std::vector<std::string>& texts_;
  std::vector<ServerValue> readings_;
};

}  // namespace

std::string ServerTextSql(const PgType& type, absl::string_view operand) {
  // IS NULL would also be true of a row of NULLs; IS DISTINCT FROM NULL needs no equality.
  return absl::StrCat("CASE WHEN ", operand, " IS DISTINCT FROM NULL THEN ",
                      Printed(type, operand), " END");
}

absl::StatusOr<std::vector<ServerValue>> ReadByServer(PgConnection& connection,
                                                        const PgType& type,
                                                        const std::vector<std::string>& texts) {
  return Reading(connection, type, texts).Run();
}

}  // namespace lite2pg
