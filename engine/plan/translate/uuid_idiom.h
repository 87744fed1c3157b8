// The expression that SQLite schemas write for a random UUID; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_UUID_IDIOM_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_UUID_IDIOM_H_

#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

enum class UuidIdiom : uint8_t { kNone, kLowerCase, kMixedCase };

// Recognises
//   lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
//     || '-' || substr('89ab', abs(random()) % 4 + 1, 1) || substr(hex(randomblob(2)), 2) || '-' ||
//     hex(randomblob(6)))
// with lower() around all, around each part, or nowhere: a version 4 UUID, uniformly distributed,
// just as gen_random_uuid() makes it.
UuidIdiom FindUuidIdiom(const Expr& expr);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_UUID_IDIOM_H_
