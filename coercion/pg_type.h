// A PostgreSQL type as a column of the target has it, resolved once per column.
#ifndef LITE2PG_COERCION_PG_TYPE_H_
#define LITE2PG_COERCION_PG_TYPE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lite2pg {

using Oid = uint32_t;

// OIDs of built-in types never change between servers (PostgreSQL:
// src/include/catalog/pg_type.dat).
inline constexpr Oid kOidBool = 16, kOidBytea = 17, kOidChar = 18, kOidName = 19, kOidInt8 = 20,
                     kOidInt2 = 21, kOidInt4 = 23, kOidText = 25, kOidOid = 26, kOidJson = 114,
                     kOidXml = 142, kOidCidr = 650, kOidFloat4 = 700, kOidFloat8 = 701,
                     kOidMacaddr8 = 774, kOidMoney = 790, kOidMacaddr = 829, kOidInet = 869,
                     kOidBpchar = 1042, kOidVarchar = 1043, kOidDate = 1082, kOidTime = 1083,
                     kOidTimestamp = 1114, kOidTimestamptz = 1184, kOidInterval = 1186,
                     kOidTimetz = 1266, kOidBit = 1560, kOidVarbit = 1562, kOidNumeric = 1700,
                     kOidUuid = 2950, kOidJsonb = 3802;

enum class TypeKind : uint8_t { kBase, kEnum, kDomain, kArray, kOther };

// Value type; cheap to copy except for enums. Domains and arrays point to what they are made of.
struct PgType {
  Oid oid = 0;
  int32_t typmod = -1;  // pg_attribute.atttypmod; a domain's own for its base
  TypeKind kind = TypeKind::kBase;
  std::string type_name;           // pg_type.typname: "int4", "citext"; selects codecs by name
                                   // for extension types, whose OIDs differ between databases
  std::string sql_name;            // as DDL and messages write it: "numeric(10,2)"
  bool has_binary_receive = true;  // pg_type.typreceive <> 0 and typsend <> 0
  std::vector<std::string> enum_labels;   // kEnum, in sort order
  std::shared_ptr<const PgType> base;     // kDomain: what it is over (not itself a domain)
  std::shared_ptr<const PgType> element;  // kArray
};

// A built-in base type by OID with a typmod, for columns that we create. CHECKs that the type
// table knows the OID.
PgType BuiltinType(Oid oid, int32_t typmod = -1);

// Typmods as PostgreSQL packs them (src/backend/utils/adt/numeric.c, varchar.c).
constexpr int32_t NumericTypmod(int precision, int scale) {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}
constexpr int32_t LengthTypmod(int characters) { return characters + 4; }

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_PG_TYPE_H_
