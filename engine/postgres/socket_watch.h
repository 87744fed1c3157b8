// Tells a server that is busy from one that is gone, while a COPY fills its socket.
//
// TCP_USER_TIMEOUT cannot: Linux also counts the time in which the peer answers every probe but
// has no room (tcp_probe_timer in net/ipv4/tcp_timer.c). With 30 s, a server that is stopped or
// waits for its disk for 31 s costs the connection, although nothing is wrong with it.
#ifndef LITE2PG_ENGINE_POSTGRES_SOCKET_WATCH_H_
#define LITE2PG_ENGINE_POSTGRES_SOCKET_WATCH_H_

struct pg_conn;

namespace lite2pg {

// How long data may stay unacknowledged: in general, and while a COPY is open. Milliseconds.
inline constexpr int kUserTimeoutMs = 30'000;
inline constexpr int kCopyUserTimeoutMs = 120'000;

// Sets TCP_USER_TIMEOUT of a TCP connection, unless the user's own tcp_user_timeout is in force.
// Nothing happens on Unix sockets and other systems.
void SetUserTimeout(pg_conn* conn, int timeout_ms);

// True when the peer's kernel has not acknowledged anything for kUserTimeoutMs although it was
// asked to: data or several probes are unanswered. False where that cannot be known.
bool PeerIsSilent(pg_conn* conn);

// Ends the connection below libpq, so that its next read reports the loss.
void CutConnection(pg_conn* conn);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SOCKET_WATCH_H_
