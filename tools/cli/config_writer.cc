#include "tools/cli/config_writer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/report/outcome_text.h"
#include "engine/report/utf8.h"
#include "tools/cli/option_table.h"
#include "tools/cli/text_layout.h"

namespace lite2pg {
namespace {

constexpr int kCommentWidth = 98;

// A basic string of TOML. REQUIRES: valid UTF-8.
std::string TomlString(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(byte, absl::kZeroPad4));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Any text as lines of comment; nothing in it can end the comment.
std::string Comment(absl::string_view text, absl::string_view prefix = "# ") {
  std::string out;
  for (const std::string& line : Wrap(SafeSentence(text), kCommentWidth)) {
    absl::StrAppend(&out, prefix, line, "\n");
  }
  return out;
}

std::string FindingsOf(const Report& plan, const std::string& object) {
  std::string out;
  for (const Finding& finding : plan.findings) {
    if (finding.object != object) continue;
    absl::StrAppend(
        &out,
        Comment(absl::StrCat(kSeverityNames[static_cast<size_t>(finding.severity)], " ",
                             ErrorCodeName(finding.code), ": ", finding.message,
                             finding.hint.empty() ? "" : absl::StrCat(". Hint: ", finding.hint)),
                "#   "));
  }
  return out;
}

// A column's own type can be named only where the column is created.
bool Created(const ColumnReport& column) { return column.reason != kReasonTarget; }

std::string ColumnSection(const Report& plan, const TableReport& table,
                          const ColumnReport& column) {
  if (column.source_name.empty() || ValidUtf8(column.source_name) != column.source_name) {
    return absl::StrCat("\n", Comment(absl::StrCat("column ", column.source_name,
                                                   ": its name cannot be written here")));
  }
  std::string out = absl::StrCat("\n[table.", TomlString(table.source_name), ".column.",
                                 TomlString(column.source_name), "]\n");
  const std::string declared =
      column.declared_type.empty() ? "declared without a type" : "declared " + column.declared_type;
  absl::StrAppend(&out,
                  Comment(absl::StrCat(declared, "; ", column.target_type, ": ", column.reason)));
  absl::StrAppend(&out, FindingsOf(plan, absl::StrCat(table.source_name, ".", column.source_name)));
  if (column.target_name == column.source_name ||
      ValidUtf8(column.target_name) != column.target_name) {
    absl::StrAppend(&out, "# rename = ", TomlString(column.source_name), "\n");
  } else {
    absl::StrAppend(&out, "# rename = ", TomlString(column.target_name), "\n");
  }
  if (Created(column) && ValidUtf8(column.target_type) == column.target_type) {
    absl::StrAppend(&out, "# type = ", TomlString(column.target_type), "\n");
  }
  return out;
}

std::string TableSection(const Report& plan, const TableReport& table) {
  if (ValidUtf8(table.source_name) != table.source_name) {
    return absl::StrCat("\n", Comment(absl::StrCat("table ", table.source_name,
                                                   ": its name cannot be written here")));
  }
  std::string out = absl::StrCat("\n[table.", TomlString(table.source_name), "]\n",
                                 Comment(absl::StrCat(table.rows_source, " rows")),
                                 FindingsOf(plan, table.source_name));
  const bool shown = ValidUtf8(table.target_name) == table.target_name;
  absl::StrAppend(&out, "# rename = ", TomlString(shown ? table.target_name : table.source_name),
                  "\n");
  for (const ColumnReport& column : table.columns) {
    absl::StrAppend(&out, ColumnSection(plan, table, column));
  }
  return out;
}

// What is decided for the run as a whole; the report does not know, so these are the defaults.
constexpr absl::string_view kRunDecisions[] = {"schema-mode", "identifiers", "existing-rows",
                                               "on-bad-value", "orphans"};

std::string RunSection() {
  std::string out;
  for (const absl::string_view name : kRunDecisions) {
    for (const OptionRow& row : AllOptions()) {
      if (row.name != name) continue;
      absl::StrAppend(&out, "\n", Comment(absl::StrCat(row.value, ". ", row.help)), "# ", row.name,
                      " = ", TomlString(row.default_text), "\n");
    }
  }
  return out;
}

// No line of a configuration changes these; but whoever decides should see them.
std::string NotCarried(const Report& plan) {
  std::string out;
  for (const ObjectReport& object : plan.objects) {
    if (object.state != "not_carried") continue;
    absl::StrAppend(&out, Comment(absl::StrCat(KindWords(object.kind), " ", object.name,
                                               object.table.empty() ? "" : " on ", object.table,
                                               object.reason.empty() ? "" : ": ", object.reason),
                                  "#   "));
  }
  return out.empty() ? "" : "\n# Not carried over, to be made by hand (--after-sql):\n" + out;
}

}  // namespace

std::string ConfigFromPlan(const Report& plan) {
  std::string out =
      Comment(absl::StrCat("What lite2pg ", LITE2PG_VERSION, " plans for ", plan.source.path, "."));
  absl::StrAppend(&out,
                  Comment("As it is, this file changes nothing: it shows what is done without it. "
                          "Take away a '#' and edit the line to have it otherwise. docs/cli/"
                          "config.md explains every key; options of the command line may stand "
                          "here as well."),
                  "\n# target-schema = ", TomlString(ValidUtf8(plan.target.schema)), "\n",
                  RunSection());
  std::string left_out;
  for (const TableReport& table : plan.tables) {
    if (table.state == "copied" || table.state == "skipped") {
      absl::StrAppend(&out, TableSection(plan, table));
    } else {
      absl::StrAppend(&left_out, "\n", Comment(absl::StrCat(table.source_name, ": ", table.state)),
                      FindingsOf(plan, table.source_name));
    }
  }
  return absl::StrCat(out, left_out.empty() ? "" : "\n# Not loaded:\n", left_out,
                      NotCarried(plan));
}

}  // namespace lite2pg
