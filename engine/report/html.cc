#include "engine/report/html.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/text.h"
#include "engine/report/utf8.h"

namespace lite2pg {

std::string Html(absl::string_view untrusted) {
  std::string out;
  for (const char c : SafeSentence(untrusted)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string HtmlLines(absl::string_view untrusted) {
  std::string out;
  for (const absl::string_view line : absl::StrSplit(untrusted, '\n')) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", Html(line));
  }
  return out;
}

std::string HtmlCell(absl::string_view untrusted, absl::string_view css) {
  const std::string open = css.empty() ? "<td>" : absl::StrCat("<td class=\"", css, "\">");
  return absl::StrCat(open, Html(untrusted), "</td>");
}

std::string HtmlCount(uint64_t n) {
  return absl::StrCat("<td class=\"n\">", n == 0 ? "" : FormatCount(n), "</td>");
}

std::string HtmlNumber(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

}  // namespace lite2pg
