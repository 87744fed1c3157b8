// Text for a terminal of a given width: measuring, cutting, wrapping, colours, and tables.
#ifndef LITE2PG_TOOLS_CLI_TEXT_LAYOUT_H_
#define LITE2PG_TOOLS_CLI_TEXT_LAYOUT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/cli/settings.h"

namespace lite2pg {

// How one output stream is written; decided once, at the start.
struct Style {
  int width = 80;            // columns; no line that we lay out is wider
  int height = 0;            // lines of a terminal; 0: none, or unknown
  bool color = false;
  bool utf8 = false;         // false: nothing but ASCII is written
  bool terminal = false;     // the cursor can be moved
};

// `columns` is the terminal's width, 0 when the stream is not a terminal or does not know.
Style ResolveStyle(bool is_terminal, int columns, bool no_color, const Environment& environment);

enum class Color { kNone, kBold, kDim, kRed, kGreen, kYellow, kCyan };
// `text` in `color` when the style has colours. Escape codes have no width: paint last.
std::string Paint(Color color, absl::string_view text, const Style& style);

// Columns that UTF-8 text takes on a terminal; wide characters count 2, combining ones 0.
size_t DisplayWidth(absl::string_view text);

// Untrusted text for this stream: escaped (SafeSentence), and without UTF-8 also in ASCII.
std::string Shown(absl::string_view untrusted, const Style& style);
// A name or value of the source or target: backslashes are escaped as well, long ones cut.
std::string ShownName(absl::string_view untrusted, const Style& style);

// `text` cut to `width` columns, with an ellipsis when something is missing.
std::string Cut(absl::string_view text, size_t width, const Style& style);
std::string PadRight(absl::string_view text, size_t width);
std::string PadLeft(absl::string_view text, size_t width);

// Words of `text` in lines of at most `width` columns; a longer word is broken.
std::vector<std::string> Wrap(absl::string_view text, size_t width);

// "label" and wrapped text behind it, following lines indented to the text:
//   hint   : create the index by hand, its definition
//            is in the report
std::string Hanging(absl::string_view label, absl::string_view text, const Style& style);

// A table whose lines fit the width: the first column that is marked flexible is cut first, then
// columns go, those of the highest `drop` first. Cells hold text that is safe to show.
class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;     // numbers
    bool flexible = false;  // may be cut down to kFlexibleMin columns
    int drop = 0;           // 0: never dropped
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One text and one colour per column.
  struct Cell {
    std::string text;
    Color color = Color::kNone;
  };
  void AddRow(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // Lines with a line end each, indented by two. Columns without any text are left out.
  std::string Render(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_TEXT_LAYOUT_H_
