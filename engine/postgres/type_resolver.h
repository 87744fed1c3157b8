// Types of columns as the server's catalog has them, followed through domains and arrays.
#ifndef LITE2PG_ENGINE_POSTGRES_TYPE_RESOLVER_H_
#define LITE2PG_ENGINE_POSTGRES_TYPE_RESOLVER_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coercion/pg_type.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Two queries for any number of types; then Resolve needs the server no more. One thread.
class TypeResolver {
 public:
  // Reads `oids` and all that they are made of.
  absl::Status Read(PgConnection& connection, const std::vector<Oid>& oids);
  // The type of a column; `sql_name` is format_type(oid, typmod). An OID that was not read (its
  // type was dropped meanwhile) gives kOther without binary form, so that nothing is sent to it.
  PgType Resolve(Oid oid, int32_t typmod, absl::string_view sql_name) const;
  // Whether the type is a domain that refuses NULL, at any level.
  bool IsNotNull(Oid oid) const;

 private:
  struct Row {
    std::string name;
    char typtype = 'b';  // pg_type.typtype
    bool is_array = false;
    bool not_null = false;
    bool has_binary = false;
    Oid base = 0;  // of a domain
    int32_t base_typmod = -1;
    std::string base_sql_name;
    Oid element = 0;  // of an array
    std::vector<std::string> labels;
  };

  std::unordered_map<Oid, Row> rows_;
};

// The type that `words` name, as SQL writes it ("point", "geometry(Point,4326)", "app.pair"), in
// `schema` where pg_catalog has none of that name. kConfig (2) when there is none.
absl::StatusOr<PgType> ReadNamedType(PgConnection& connection, const std::string& words,
                                     const std::string& schema);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_TYPE_RESOLVER_H_
