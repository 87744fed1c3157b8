// The least that a page of HTML is written with. Everything that a source or server had a say in
// goes through Html() or a function that says so.
#ifndef LITE2PG_ENGINE_REPORT_HTML_H_
#define LITE2PG_ENGINE_REPORT_HTML_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lite2pg {

// Untrusted text as text of an element or of a quoted attribute.
std::string Html(absl::string_view untrusted);

// Untrusted lines that keep their line ends, for <pre>.
std::string HtmlLines(absl::string_view untrusted);

// "<td>" with untrusted text; `css` names classes of the page's style.
std::string HtmlCell(absl::string_view untrusted, absl::string_view css = "");

// "<td>" with a number, empty for 0.
std::string HtmlCount(uint64_t n);

// "12.5": two digits at most, for coordinates.
std::string HtmlNumber(double value);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_HTML_H_
