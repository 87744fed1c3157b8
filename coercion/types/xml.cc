#include "coercion/types/xml.h"

#include "absl/strings/match.h"

namespace lite2pg {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool SkipSpace(absl::string_view* text) {
  size_t n = 0;
  while (n < text->size() && IsSpace((*text)[n])) ++n;
  text->remove_prefix(n);
  return n > 0;
}

// name = 'value' or "value".
bool TakeAttribute(absl::string_view* text, absl::string_view name, absl::string_view* value) {
  if (!absl::StartsWith(*text, name)) return false;
  absl::string_view rest = text->substr(name.size());
  (void)SkipSpace(&rest);
  if (rest.empty() || rest[0] != '=') return false;
  rest.remove_prefix(1);
  (void)SkipSpace(&rest);
  if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return false;
  const size_t end = rest.find(rest[0], 1);
  if (end == absl::string_view::npos) return false;
  *value = rest.substr(1, end - 1);
  *text = rest.substr(end + 1);
  return true;
}

bool IsVersion(absl::string_view version) {
  return version.size() >= 3 && version.size() <= 10 && absl::StartsWith(version, "1.") &&
         version.find_first_not_of("0123456789", 2) == absl::string_view::npos;
}

// print_xml_decl: nothing for what is the default.
void PutDeclaration(const XmlDeclaration& declaration, FieldBuffer* out) {
  if (declaration.version == "1.0" && declaration.standalone.empty()) return;
  out->PutBytes("<?xml version=\"");
  out->PutBytes(declaration.version);
  out->PutBytes("\"");
  if (!declaration.standalone.empty()) {
    out->PutBytes(" standalone=\"");
    out->PutBytes(declaration.standalone);
    out->PutBytes("\"");
  }
  out->PutBytes("?>");
}

// The longest declaration that PutDeclaration writes is shorter than this.
constexpr size_t kDeclarationBytesMax = 64;

// REQUIRES: room for the text and kDeclarationBytesMax.
void PutShown(absl::string_view text, FieldBuffer* out) {
  const XmlDeclaration declaration = ParseXmlDeclaration(text);
  if (declaration.bytes == 0) {
    out->PutBytes(text);
    return;
  }
  const size_t at = out->size();
  PutDeclaration(declaration, out);
  text.remove_prefix(declaration.bytes);
  // xml_out_internal takes the line break along with the declaration it leaves out.
  if (out->size() == at && absl::StartsWith(text, "\n")) text.remove_prefix(1);
  out->PutBytes(text);
}

}  // namespace

XmlDeclaration ParseXmlDeclaration(absl::string_view text) {
  const absl::string_view whole = text;
  XmlDeclaration found;
  if (!absl::StartsWith(text, "<?xml")) return {};
  text.remove_prefix(5);
  if (!SkipSpace(&text) || !TakeAttribute(&text, "version", &found.version) ||
      !IsVersion(found.version)) {
    return {};
  }
  absl::string_view encoding;
  bool spaced = SkipSpace(&text);
  if (spaced && TakeAttribute(&text, "encoding", &encoding)) {
    found.has_encoding = true;
    spaced = SkipSpace(&text);
  }
  if (spaced && TakeAttribute(&text, "standalone", &found.standalone)) {
    if (found.standalone != "yes" && found.standalone != "no") return {};
    (void)SkipSpace(&text);
  }
  if (!absl::StartsWith(text, "?>")) return {};
  found.bytes = whole.size() - text.size() + 2;
  return found;
}

Outcome EncodeXml(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  if (value.size_bytes > kWireFieldBytesMax - kDeclarationBytesMax) return Outcome::kTooLarge;
  if (!ParseXmlDeclaration(value.bytes()).has_encoding) return PutBytesField(value.bytes(), out);
  const size_t at = BeginField(out);
  PutShown(value.bytes(), out);
  EndField(out, at);
  return Outcome::kOk;
}

bool CanonicalXml(absl::string_view field, const EncodeParams&, FieldBuffer* out) {
  out->Reserve(field.size() + kDeclarationBytesMax);
  PutShown(field, out);
  return true;
}

bool DecodeXml(absl::string_view field, const EncodeParams& params, std::string* text) {
  FieldBuffer shown;
  if (CheckText(field) != Outcome::kOk || !CanonicalXml(field, params, &shown)) return false;
  text->append(shown.data(), shown.size());
  return true;
}

}  // namespace lite2pg
