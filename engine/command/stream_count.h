// How many COPY streams a run begins with, and may rise to.
#ifndef LITE2PG_ENGINE_COMMAND_STREAM_COUNT_H_
#define LITE2PG_ENGINE_COMMAND_STREAM_COUNT_H_

#include "engine/plan/options.h"
#include "engine/postgres/catalog.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// As --streams says, or one for each processor; fewer where --memory has no room for them.
int FirstStreams(const CommonOptions& options);

// What --streams auto may rise to, within the server's free connections (`facts`, when known).
int MostStreams(const CommonOptions& options, const TargetFacts& facts);

// Whether processors are left when each stream has one, and one in a server on this machine.
bool HasSpareProcessors(int streams);

// Whether a stream would spend much of its time on the way: it waits for the server four times for
// each chunk. Then the copy begins with many, instead of finding out.
bool IsFar(PgConnection& connection);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_STREAM_COUNT_H_
