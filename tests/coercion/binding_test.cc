// BindColumn: what a column's type and rules make of a row of the type table.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

PgType Domain(const PgType& base, int32_t typmod = -1) {
  PgType domain;
  domain.oid = 100001;
  domain.kind = TypeKind::kDomain;
  domain.typmod = typmod;
  domain.type_name = domain.sql_name = "my_domain";
  domain.base = std::make_shared<PgType>(base);
  return domain;
}

TEST(BindColumn, ReadsPrecisionAndScaleFromTheTypmod) {
  for (int precision : {1, 10, 38, 1000}) {
    for (int scale : {-1000, -2, 0, 2, 1000}) {
      const ColumnCodec codec = Bind(kOidNumeric, NumericTypmod(precision, scale));
      EXPECT_EQ(codec.params.precision, precision);
      EXPECT_EQ(codec.params.scale, scale);
    }
  }
  EXPECT_EQ(Bind(kOidNumeric).params.precision, -1);
}

TEST(BindColumn, ReadsLengthsFromTheTypmod) {
  EXPECT_EQ(Bind(kOidVarchar, LengthTypmod(7)).params.length_max, 7);
  EXPECT_EQ(Bind(kOidBpchar, LengthTypmod(1)).params.length_max, 1);
  EXPECT_EQ(Bind(kOidBit, 9).params.length_max, 9);
  EXPECT_EQ(Bind(kOidVarchar).params.length_max, -1);
}

TEST(BindColumn, NamesTypesAsDdlDoes) {
  EXPECT_EQ(BuiltinType(kOidNumeric, NumericTypmod(10, 2)).sql_name, "numeric(10,2)");
  EXPECT_EQ(BuiltinType(kOidNumeric, NumericTypmod(3, -2)).sql_name, "numeric(3,-2)");
  EXPECT_EQ(BuiltinType(kOidVarchar, LengthTypmod(20)).sql_name, "varchar(20)");
  EXPECT_EQ(BuiltinType(kOidBpchar, LengthTypmod(2)).sql_name, "char(2)");
  EXPECT_EQ(BuiltinType(kOidVarbit, 5).sql_name, "varbit(5)");
  EXPECT_EQ(BuiltinType(kOidFloat8).sql_name, "double precision");
  EXPECT_EQ(BuiltinType(kOidChar).sql_name, "\"char\"");
}

TEST(BindColumn, BindsADomainAsItsBaseWithTheDomainsTypmod) {
  const ColumnCodec of_base = Bind(Domain(BuiltinType(kOidVarchar, LengthTypmod(3))));
  EXPECT_EQ(of_base.params.length_max, 3);
  EXPECT_EQ(EncodeOne(of_base, SourceValue::Text("abcd")).outcome, Outcome::kTooLong);
  const ColumnCodec own = Bind(Domain(BuiltinType(kOidNumeric), NumericTypmod(4, 1)));
  EXPECT_EQ(own.params.precision, 4);
}

TEST(BindColumn, RefusesWhatItCannotWrite) {
  const auto code = [](const PgType& type) { return BindColumn(type, {}).status().code(); };
  PgType no_receive = BuiltinType(kOidInt4);
  no_receive.has_binary_receive = false;
  EXPECT_EQ(code(no_receive), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code(Domain(no_receive)), absl::StatusCode::kUnimplemented);
  PgType unknown;
  unknown.oid = 600;  // point
  unknown.type_name = "point";
  EXPECT_EQ(code(unknown), absl::StatusCode::kUnimplemented);
  PgType composite = unknown;
  composite.kind = TypeKind::kOther;
  EXPECT_EQ(code(composite), absl::StatusCode::kUnimplemented);
  PgType broken = Domain(unknown);
  broken.base = nullptr;
  EXPECT_EQ(code(broken), absl::StatusCode::kUnimplemented);
}

// A type of the user's that is called like a built-in one is not that one.
TEST(BindColumn, DoesNotTrustTheNameOfABuiltinType) {
  PgType impostor;
  impostor.oid = 100002;
  impostor.type_name = "int4";
  EXPECT_FALSE(BindColumn(impostor, {}).ok());
}

TEST(BindColumn, RefusesAnUnknownTimeZone) {
  ReadingRules rules;
  rules.source_time_zone = "Mars/Olympus";
  EXPECT_EQ(BindColumn(BuiltinType(kOidText), rules).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BindColumn, StopsAtDomainsNestedWithoutEnd) {
  PgType type = BuiltinType(kOidInt4);
  for (int i = 0; i < 100; ++i) type = Domain(type);
  EXPECT_FALSE(BindColumn(type, {}).ok());
}

TEST(EmptyTextAsNull, HoldsForEveryTypeAndOnlyForEmptyText) {
  ReadingRules rules;
  rules.empty_text_as_null = true;
  for (const TypeCodec* row : AllCodecs()) {
    if (row->oid == 0) continue;
    const ColumnCodec codec = Bind(row->oid, -1, rules);
    const EncodedField field = EncodeOne(codec, SourceValue::Text(""));
    EXPECT_EQ(field.outcome, Outcome::kOk) << row->name;
    EXPECT_TRUE(field.null) << row->name;
  }
  const ColumnCodec text = Bind(kOidText, -1, rules);
  EXPECT_EQ(EncodeOne(text, SourceValue::Text(" ")).bytes, " ");
  const EncodedField blob = EncodeOne(Bind(kOidBytea, -1, rules), SourceValue::Blob(""));
  EXPECT_FALSE(blob.null) << "an empty blob is no empty text";
  rules.not_null = true;
  EXPECT_EQ(EncodeOne(Bind(kOidInt4, -1, rules), SourceValue::Text("")).outcome,
            Outcome::kNullInNotNull);
}

}  // namespace
}  // namespace lite2pg
