// The whole of lite2pg for another program: include this, link lite2pg::engine.
//
// A command is a function from a request (a plain struct, every default beside its field) to a
// Report; see engine/command/commands.h for threads and errors. EventSink hears of the progress
// (engine/report/event.h), CancelToken ends a command early. docs/examples/library has a program.
#ifndef LITE2PG_ENGINE_LITE2PG_H_
#define LITE2PG_ENGINE_LITE2PG_H_

#include "engine/base/cancel.h"
#include "engine/command/commands.h"
#include "engine/command/request.h"
#include "engine/report/event.h"
#include "engine/report/report.h"

#endif  // LITE2PG_ENGINE_LITE2PG_H_
