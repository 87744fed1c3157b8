#include "tools/cli/secrets.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "tools/cli/option_table.h"

namespace lite2pg {
namespace {

// Replacing a secret of one or two bytes wherever it occurs would garble every sentence.
constexpr size_t kSecretBytesMin = 3;

using Spans = std::vector<std::pair<size_t, size_t>>;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string PercentDecode(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                         HexDigit(text[i + 2]) >= 0;
    if (escaped) {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool IsSecretKey(absl::string_view key) {
  return absl::EqualsIgnoreCase(key, "password") || absl::EqualsIgnoreCase(key, "sslpassword");
}

// user:SECRET@ and ?password=SECRET. An unescaped '/', '?' or '@' inside the password makes libpq
// fail, but the secret was typed all the same: the last '@' ends it, unless that stands in the
// query of a URI whose user information ends before.
void FindInUri(absl::string_view uri, Spans* spans) {
  const size_t begin = uri.find("://") + 3;
  const size_t path = std::min(uri.find_first_of("/?", begin), uri.size());
  const size_t at_early = uri.substr(0, path).rfind('@');
  const size_t at =
      at_early != absl::string_view::npos && at_early >= begin ? at_early : uri.rfind('@');
  size_t query_from = begin;
  if (at != absl::string_view::npos && at >= begin) {
    const size_t colon = uri.find(':', begin);
    // Without user information, "host:5432/db?options=a@b" has a colon and an '@' as well; only
    // digits can be a port.
    const absl::string_view between =
        colon < at ? uri.substr(colon + 1, at - colon - 1) : absl::string_view();
    const size_t digits = std::min(between.find_first_not_of("0123456789"), between.size());
    const bool port_ends = digits > 0 && digits < between.size() &&
                           (between[digits] == '/' || between[digits] == '?');
    const bool is_port = at_early == absl::string_view::npos && port_ends;
    if (colon < at && !is_port) {
      spans->emplace_back(colon + 1, at - colon - 1);
      query_from = at;
    }
  }
  size_t from = uri.find('?', query_from);
  while (from != absl::string_view::npos && from < uri.size()) {
    ++from;
    const size_t end = std::min(uri.find('&', from), uri.size());
    const absl::string_view pair = uri.substr(from, end - from);
    const size_t equals = pair.find('=');
    if (equals != absl::string_view::npos && IsSecretKey(PercentDecode(pair.substr(0, equals)))) {
      spans->emplace_back(from + equals + 1, pair.size() - equals - 1);
    }
    from = end < uri.size() ? end : absl::string_view::npos;
  }
}

// password = 'it''s \' quoted' or password=plain\ word, as libpq's conninfo_parse reads it.
void FindInKeywords(absl::string_view text, Spans* spans) {
  const auto is_space = [&](size_t at) {
    return absl::ascii_isspace(static_cast<unsigned char>(text[at]));
  };
  size_t i = 0;
  while (i < text.size()) {
    while (i < text.size() && is_space(i)) ++i;
    const size_t key_begin = i;
    while (i < text.size() && text[i] != '=' && !is_space(i)) ++i;
    const absl::string_view key = text.substr(key_begin, i - key_begin);
    while (i < text.size() && is_space(i)) ++i;
    if (i == text.size()) return;
    if (text[i] != '=') continue;  // not a conninfo; a password may still follow
    ++i;
    while (i < text.size() && is_space(i)) ++i;
    const bool quoted = i < text.size() && text[i] == '\'';
    if (quoted) ++i;
    const size_t value_begin = i;
    while (i < text.size() && (quoted ? text[i] != '\'' : !is_space(i))) {
      i += text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
    }
    i = std::min(i, text.size());
    if (IsSecretKey(key) && i > value_begin) spans->emplace_back(value_begin, i - value_begin);
    if (quoted && i < text.size()) ++i;
  }
}

// user:SECRET@host/db, a URI whose scheme was forgotten. It will be refused, but it was typed.
void FindInBareUri(absl::string_view text, Spans* spans) {
  const size_t colon = text.find(':');
  const size_t at = text.rfind('@');
  const bool is_user = colon != absl::string_view::npos && colon > 0 &&
                       text.substr(0, colon).find_first_of("/. =\\") == absl::string_view::npos &&
                       text.substr(0, colon) != "file" && text.substr(0, colon) != "pgdata";
  if (is_user && at != absl::string_view::npos && at > colon) {
    spans->emplace_back(colon + 1, at - colon - 1);
  }
}

// Whether the word behind `word` is the value of an option. No option takes a conninfo, and a
// condition on a column called password is not a secret.
bool TakesNextWord(absl::string_view word) {
  if (!absl::StartsWith(word, "--")) return false;
  const OptionRow* const row = FindOption(word.substr(2));
  return row != nullptr && !row->is_flag();
}

// Calls `visit(index, spans)` for every word that holds a secret.
template <typename Words, typename Visit>
void ForEachSecret(size_t begin, size_t count, const Words& words, Visit visit) {
  for (size_t i = begin; i < count; ++i) {
    const absl::string_view word(words[i]);
    if (TakesNextWord(word)) {
      ++i;
    } else if (!absl::StartsWith(word, "--")) {
      const Spans spans = FindSecrets(word);
      if (!spans.empty()) visit(i, spans);
    }
  }
}

}  // namespace

Spans FindSecrets(absl::string_view argument) {
  Spans spans;
  const bool is_uri = absl::StartsWithIgnoreCase(argument, "postgres://") ||
                      absl::StartsWithIgnoreCase(argument, "postgresql://");
  if (is_uri) {
    FindInUri(argument, &spans);
  } else {
    FindInKeywords(argument, &spans);
    if (spans.empty()) FindInBareUri(argument, &spans);
  }
  const auto is_empty = [](const auto& span) { return span.second == 0; };
  spans.erase(std::remove_if(spans.begin(), spans.end(), is_empty), spans.end());
  return spans;
}

std::vector<std::string> SecretsOfArguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> secrets;
  ForEachSecret(0, arguments.size(), arguments, [&](size_t i, const Spans& spans) {
    for (const auto& [offset, length] : spans) {
      const std::string secret = arguments[i].substr(offset, length);
      secrets.push_back(secret);
      secrets.push_back(PercentDecode(secret));
      // In a conninfo libpq drops the backslash before a quote or backslash.
      secrets.push_back(absl::StrReplaceAll(secret, {{"\\'", "'"}, {"\\\\", "\\"}}));
    }
  });
  return secrets;
}

bool WipeArguments(int argc, char** argv) {
  bool found = false;
  ForEachSecret(1, static_cast<size_t>(argc), argv, [&](size_t i, const Spans& spans) {
    found = true;
    for (const auto& [offset, length] : spans) {
      // volatile: nothing reads argv again, so a compiler could leave the writes out.
      volatile char* const bytes = argv[i] + offset;
      for (size_t at = 0; at < length; ++at) bytes[at] = 'x';
    }
  });
  return found;
}

void LeaveNoCore() {
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

Redactor::Redactor(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  const auto too_short = [](const std::string& s) { return s.size() < kSecretBytesMin; };
  secrets_.erase(std::remove_if(secrets_.begin(), secrets_.end(), too_short), secrets_.end());
  // A secret may contain another one; the longer must go first.
  std::sort(secrets_.begin(), secrets_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  secrets_.erase(std::unique(secrets_.begin(), secrets_.end()), secrets_.end());
}

std::string Redactor::Clean(absl::string_view text) const {
  std::string out(text);
  for (const std::string& secret : secrets_) {
    for (size_t at = out.find(secret); at != std::string::npos; at = out.find(secret, at + 3)) {
      out.replace(at, secret.size(), "***");
    }
  }
  return out;
}

void Redactor::Clean(ErrorInfo* error) const {
  if (empty()) return;
  for (std::string* text : {&error->what, &error->table, &error->row_key, &error->column,
                            &error->value, &error->server, &error->effect, &error->hint}) {
    *text = Clean(*text);
  }
}

void Redactor::Clean(Report* report) const {
  if (empty()) return;
  report->target.conninfo_shown = Clean(report->target.conninfo_shown);
  for (ErrorInfo& error : report->errors) Clean(&error);
  for (Finding& finding : report->findings) {
    finding.message = Clean(finding.message);
    finding.hint = Clean(finding.hint);
  }
  for (RunReport& run : report->runs) run.next_step = Clean(run.next_step);
  for (std::string& line : report->undo_sql) line = Clean(line);
  for (std::string& line : report->next_steps) line = Clean(line);
}

void Redactor::Clean(Event* event) const {
  if (empty()) return;
  event->text = Clean(event->text);
  event->finding.message = Clean(event->finding.message);
  event->finding.hint = Clean(event->finding.hint);
}

}  // namespace lite2pg
