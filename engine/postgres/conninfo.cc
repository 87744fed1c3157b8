#include "engine/postgres/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/connection.h"

namespace lite2pg {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

// Null when the string cannot be read.
Options Parse(absl::string_view conninfo) {
  char* message = nullptr;
  Options options(PQconninfoParse(std::string(conninfo).c_str(), &message));
  // The message may quote the string, so nobody gets to see it. No message: libpq had no memory.
  const bool no_memory =
      options == nullptr && (message == nullptr || absl::StartsWith(message, "out of memory"));
  if (message != nullptr) PQfreemem(message);
  if (no_memory) throw std::bad_alloc();
  return options;
}

absl::string_view Value(const Options& options, absl::string_view keyword) {
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    if (keyword == o->keyword) return o->val == nullptr ? absl::string_view() : o->val;
  }
  return absl::string_view();
}

bool IsUri(absl::string_view conninfo) {
  return absl::StartsWith(conninfo, "postgresql://") || absl::StartsWith(conninfo, "postgres://");
}

// libpq takes user and password to end at the first '@', and to be absent when a '/' comes first.
bool HasBadCredentials(absl::string_view uri) {
  absl::string_view rest = uri.substr(uri.find("//") + 2);
  rest = rest.substr(0, rest.find('?'));  // the query may hold any '@'
  const size_t at = rest.find('@');
  if (at == absl::string_view::npos) return false;
  return rest.find('@', at + 1) != absl::string_view::npos || rest.find('/') < at;
}

bool IsPortList(absl::string_view port) {
  return port.find_first_not_of("0123456789, ") == absl::string_view::npos;
}

bool IsSecret(const PQconninfoOption& option) {
  const absl::string_view keyword = option.keyword;
  return absl::StrContains(option.dispchar, "*") || keyword == "sslpassword" ||
         keyword == "scram_client_key" || keyword == "scram_server_key" ||
         keyword == "oauth_client_secret";
}

std::string Describe(absl::string_view host, absl::string_view port, absl::string_view database,
                     absl::string_view user) {
  std::vector<std::string> parts;
  if (!database.empty()) parts.push_back(absl::StrCat("database ", EscapeName(database)));
  if (!host.empty()) {
    parts.push_back(absl::StrCat("at ", EscapeName(host), port.empty() ? "" : ":", port));
  } else if (!port.empty()) {
    parts.push_back(absl::StrCat("at port ", port));
  }
  if (!user.empty()) parts.push_back(absl::StrCat("as ", EscapeName(user)));
  return absl::StrJoin(parts, " ");
}

}  // namespace

absl::Status CheckConninfo(absl::string_view conninfo) {
  const absl::string_view hint =
      "write postgresql://user@host:port/database or key=value pairs; in a URI, the characters "
      "@ / : ? # % of a password are percent-encoded (%40 %2F %3A %3F %23 %25)";
  if (conninfo.find('\0') != absl::string_view::npos) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage, "the connection string holds a zero byte",
                     hint);
  }
  const Options options = Parse(conninfo);
  const bool misread = options != nullptr && IsUri(conninfo) &&
                       (HasBadCredentials(conninfo) || !IsPortList(Value(options, "port")) ||
                        absl::StrContains(Value(options, "host"), "@"));
  if (options == nullptr || misread) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage,
                     "the connection string cannot be read (it is not shown, as it may hold a "
                     "password)",
                     hint);
  }
  return absl::OkStatus();
}

std::map<std::string, std::string> EffectiveSettings(absl::string_view conninfo) {
  // libpq has no call for this. An attempt with an impossible sslmode fails after all sources
  // have been read and before anything is sent.
  const std::string copy(conninfo);
  const char* const keywords[] = {"dbname", "sslmode", nullptr};
  const char* const values[] = {copy.c_str(), "none of libpq's", nullptr};
  std::unique_ptr<PGconn, void (*)(PGconn*)> conn(PQconnectStartParams(keywords, values, 1),
                                                  &PQfinish);
  std::map<std::string, std::string> settings;
  if (conn == nullptr) return settings;
  const Options options(PQconninfo(conn.get()));
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    if (o->val != nullptr && *o->val != '\0') settings[o->keyword] = o->val;
  }
  settings.erase("sslmode");
  return settings;
}

std::string SettingOf(pg_conn* conn, absl::string_view keyword) {
  return std::string(Value(Options(PQconninfo(conn)), keyword));
}

std::string ConninfoOf(pg_conn* conn) {
  // A password from the password file is not among the options; libpq will read it there again.
  std::string conninfo;
  const Options options(PQconninfo(conn));
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    if (o->val == nullptr || *o->val == '\0') continue;
    const std::string value = absl::StrReplaceAll(o->val, {{"\\", "\\\\"}, {"'", "\\'"}});
    absl::StrAppend(&conninfo, o->keyword, "='", value, "' ");
  }
  return conninfo;
}

std::string DescribeConnection(pg_conn* conn) {
  const auto text = [](const char* s) { return s == nullptr ? absl::string_view() : s; };
  return Describe(text(PQhost(conn)), text(PQport(conn)), text(PQdb(conn)), text(PQuser(conn)));
}

std::vector<std::string> SecretsOf(pg_conn* conn) {
  std::vector<std::string> secrets;
  const auto add = [&](const char* secret) {
    if (secret != nullptr && absl::string_view(secret).size() >= 3) secrets.emplace_back(secret);
  };
  add(PQpass(conn));
  const Options options(PQconninfo(conn));
  for (const PQconninfoOption* o = options.get(); o != nullptr && o->keyword != nullptr; ++o) {
    if (IsSecret(*o)) add(o->val);
  }
  std::sort(secrets.begin(), secrets.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return secrets;
}

std::string RedactConninfo(absl::string_view conninfo) {
  if (!CheckConninfo(conninfo).ok()) return "(connection string not shown)";
  const Options options = Parse(conninfo);
  return Describe(Value(options, "host"), Value(options, "port"), Value(options, "dbname"),
                  Value(options, "user"));
}

}  // namespace lite2pg
