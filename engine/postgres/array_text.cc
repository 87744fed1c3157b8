#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

void AppendQuoted(absl::string_view element, std::string* out) {
  out->push_back('"');
  for (const char c : element) {
    if (c == '"' || c == '\\') out->push_back('\\');
    out->push_back(c);
  }
  out->push_back('"');
}

// One element from the front of `text`, up to its border; false when the text ends before.
bool TakeElement(absl::string_view* text, std::optional<std::string>* element) {
  std::string value;
  bool quoted = false;
  if (!text->empty() && text->front() == '"') {
    quoted = true;
    text->remove_prefix(1);
  }
  while (!text->empty()) {
    const char c = text->front();
    if (quoted ? c == '"' : (c == ',' || c == '}')) break;
    if (c == '\\') {
      text->remove_prefix(1);
      if (text->empty()) return false;
    }
    value.push_back(text->front());
    text->remove_prefix(1);
  }
  if (text->empty()) return false;
  if (quoted) text->remove_prefix(1);
  if (!quoted && value == "NULL") {
    *element = std::nullopt;
  } else {
    *element = std::move(value);
  }
  return true;
}

}  // namespace

std::string FormatArray(const std::vector<std::optional<std::string>>& elements) {
  std::string out = "{";
  for (const std::optional<std::string>& element : elements) {
    if (out.size() > 1) out.push_back(',');
    if (element.has_value()) {
      AppendQuoted(*element, &out);
    } else {
      out += "NULL";
    }
  }
  out.push_back('}');
  return out;
}

std::string FormatArray(const std::vector<std::string>& elements) {
  return FormatArray(std::vector<std::optional<std::string>>(elements.begin(), elements.end()));
}

bool ParseArray(absl::string_view text, std::vector<std::optional<std::string>>* elements) {
  elements->clear();
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
  text.remove_prefix(1);
  if (text == "}") return true;
  while (true) {
    if (!text.empty() && text.front() == '{') return false;  // a second dimension
    std::optional<std::string> element;
    if (!TakeElement(&text, &element)) return false;
    elements->push_back(std::move(element));
    if (text.empty()) return false;
    const char border = text.front();
    text.remove_prefix(1);
    if (border == '}') return text.empty();
    if (border != ',') return false;
  }
}

}  // namespace lite2pg
