// Poolers that give every transaction another server session: settings, session locks and COPY
// state would end up with strangers (pgbouncer and its kin, in transaction or statement mode).
#ifndef LITE2PG_ENGINE_POSTGRES_POOLER_H_
#define LITE2PG_ENGINE_POSTGRES_POOLER_H_

#include "engine/postgres/connection.h"

namespace lite2pg {

// True when a session setting made through `first` shows through `second`: then both are served by
// one session, which only a pooler does. False proves nothing. Neither may be in a transaction.
bool ShareOneSession(PgConnection& first, PgConnection& second);

// Opens a second connection with the settings of `connection` and tries a few times whether the
// two share a session, or `connection` has lost its own setting. False when that cannot be found
// out.
bool IsBehindTransactionPooler(PgConnection& connection);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_POOLER_H_
