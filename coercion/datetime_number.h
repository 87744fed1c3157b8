// Instants and lengths of time back as numbers: the inverse of the readings in datetime.h.
#ifndef LITE2PG_COERCION_DATETIME_NUMBER_H_
#define LITE2PG_COERCION_DATETIME_NUMBER_H_

#include <cstdint>

#include "coercion/type_codec.h"

namespace lite2pg {

// The number that IntegerToPgMicros or RealToPgMicros (`is_length`: the duration functions) read as
// `micros`. False when there is none that reads back as exactly that.
bool IntegerFromPgMicros(int64_t micros, NumberReading reading, bool is_length, int64_t* value);
bool RealFromPgMicros(int64_t micros, NumberReading reading, bool is_length, double* value);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_DATETIME_NUMBER_H_
