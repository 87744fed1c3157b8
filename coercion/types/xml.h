// xml: text whose well-formedness only the server can judge (src/backend/utils/adt/xml.c).
#ifndef LITE2PG_COERCION_TYPES_XML_H_
#define LITE2PG_COERCION_TYPES_XML_H_

#include <string>

#include "coercion/types/text_encoding.h"

namespace lite2pg {

// An XML declaration at the front of a text.
struct XmlDeclaration {
  size_t bytes = 0;              // of the whole declaration; 0 when there is none
  bool has_encoding = false;
  absl::string_view version;
  absl::string_view standalone;  // "yes", "no", or empty
};

// A declaration that is not written as XML 1.0 says counts as none: the server refuses the text.
XmlDeclaration ParseXmlDeclaration(absl::string_view text);

// xml_recv believes the declared encoding. Ours is always UTF-8, so a declaration that names one
// ("utf-16" is what .NET writes into strings) is sent without it. xml_in and xml_out drop it too.
Outcome EncodeXml(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);

// The text as xml_out shows it: a declaration only where it says more than version 1.0, and
// otherwise without the line break behind it.
bool CanonicalXml(absl::string_view field, const EncodeParams& params, FieldBuffer* out);
bool DecodeXml(absl::string_view field, const EncodeParams& params, std::string* text);

inline constexpr TypeCodec kXmlCodec{
    .oid = kOidXml,
    .array_oid = 143,
    .name = "xml",
    .sql_name = "xml",
    .encode = {nullptr, EncodeIntegerAsText<EncodeXml>, EncodeRealAsText<EncodeXml>, EncodeXml,
               nullptr},
    .decode = DecodeXml,
    .canonical = CanonicalXml,
    .bind = [](const PgType&, ColumnCodec* codec) { BindUtf8Blob(codec); },
    .fixed_bytes = kTextFixedBytes + 64,  // a declaration may be written anew
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_XML_H_
