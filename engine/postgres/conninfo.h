// Connection strings: what may be shown of them, and the mistakes that would leak a password.
#ifndef LITE2PG_ENGINE_POSTGRES_CONNINFO_H_
#define LITE2PG_ENGINE_POSTGRES_CONNINFO_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct pg_conn;

namespace lite2pg {

// Refuses (exit 2) strings that libpq cannot parse, and URIs with an unescaped '@' or '/' in the
// password: libpq would take a part of the password for the host, port or database and repeat it
// in its errors. The error never quotes the string.
absl::Status CheckConninfo(absl::string_view conninfo);

// The settings that a connection would be made with, from the string, the service file, the
// environment and libpq's defaults; no connection is made. Only those that have a value.
std::map<std::string, std::string> EffectiveSettings(absl::string_view conninfo);

// One setting of a connection, "" when it has none.
std::string SettingOf(pg_conn* conn, absl::string_view keyword);

// A conninfo that makes the same connection again. It holds the password: never to be shown.
std::string ConninfoOf(pg_conn* conn);

// "database shop at db.example.com:5432 as alice" of an open or failed connection.
std::string DescribeConnection(pg_conn* conn);

// Every secret among the connection's settings (passwords from whatever place, key passphrases),
// longest first. Short ones (under three bytes) are left out: removing them would only garble.
std::vector<std::string> SecretsOf(pg_conn* conn);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_CONNINFO_H_
