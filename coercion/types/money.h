// money: int64 in units of the currency's fraction (src/backend/utils/adt/cash.c). How many digits
// that fraction has is the server's lc_monetary; two are assumed, as nearly every locale has. A
// server with another number (yen: 0) would read other amounts: map such columns to numeric.
#ifndef LITE2PG_COERCION_TYPES_MONEY_H_
#define LITE2PG_COERCION_TYPES_MONEY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

Outcome EncodeMoneyFromInteger(const SourceValue& value, const EncodeParams& params,
                               FieldBuffer* out);
Outcome EncodeMoneyFromReal(const SourceValue& value, const EncodeParams& params,
                            FieldBuffer* out);
// A decimal, or what DecodeMoney gives: "$1,234.50". More than two digits behind the point that
// are not zero are kLossy (cash_in rounds them).
Outcome EncodeMoneyFromText(const SourceValue& value, const EncodeParams& params,
                            FieldBuffer* out);
// As the server prints it with lc_monetary = C: "$1,234.50", "-$0.05".
bool DecodeMoney(absl::string_view field, const EncodeParams& params, std::string* text);

inline constexpr TypeCodec kMoneyCodec{
    .oid = kOidMoney,
    .array_oid = 791,
    .name = "money",
    .sql_name = "money",
    .encode = {nullptr, EncodeMoneyFromInteger, EncodeMoneyFromReal, EncodeMoneyFromText, nullptr},
    .decode = DecodeMoney,
    .fixed_bytes = 12,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_MONEY_H_
