#include "engine/postgres/socket_watch.h"

#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/postgres/conninfo.h"

namespace lite2pg {
namespace {

// Probes of a peer without room come at growing intervals; a single one may be lost.
[[maybe_unused]] constexpr int kUnansweredProbesMax = 3;

}  // namespace

void SetUserTimeout(pg_conn* conn, int timeout_ms) {
#ifdef TCP_USER_TIMEOUT
  // Ours is the only one that may be changed; the user's own setting stays.
  if (SettingOf(conn, "tcp_user_timeout") != absl::StrCat(kUserTimeoutMs)) return;
  // Fails on a Unix socket, where there is nothing to set.
  (void)setsockopt(PQsocket(conn), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
#else
  (void)conn;
  (void)timeout_ms;
#endif
}

bool PeerIsSilent(pg_conn* conn) {
#ifdef __linux__
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (getsockopt(PQsocket(conn), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  if (info.tcpi_last_ack_recv < static_cast<unsigned>(kUserTimeoutMs)) return false;
  return info.tcpi_unacked > 0 || info.tcpi_probes >= kUnansweredProbesMax;
#else
  (void)conn;
  return false;
#endif
}

void CutConnection(pg_conn* conn) { shutdown(PQsocket(conn), SHUT_RDWR); }

}  // namespace lite2pg
