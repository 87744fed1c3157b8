"""Keys clustered at both ends of the 64-bit range; one tenth of the rows, at the upper end, has
100 times the bytes of the others."""

from workloads import piece, rows

NAME = "sparse"
TITLE = "sparse keys, skewed rows"
ROWS = 800_000
# 100 times this stays below the 2 kB from which PostgreSQL compresses a row's values and moves them
# out of line (TOAST): that is work for the server which the same bytes in even rows do not make,
# and would hide what uneven ranges cost us.
SMALL_BYTES = 10
# A tenth with 100 times the bytes: the mean of both.
MEAN_BYTES = (9 * SMALL_BYTES + 100 * SMALL_BYTES) // 10


def make(db, scale, key, length):
    db.execute("CREATE TABLE samples (id INTEGER PRIMARY KEY, payload TEXT)")
    count = max(10, int(ROWS * scale)) // 10 * 10
    text = piece("text", length.format(large=count - count // 10), 1)
    rows(db, f"INSERT INTO samples SELECT {key.format(half=count // 2)}, {text} FROM n", count)


def build(db, scale):
    make(db, scale,
         key="CASE WHEN i < {half} THEN i - 9223372036854775807"
             " ELSE 9223372036854775807 - 10000000 + i END",
         length=f"CASE WHEN i >= {{large}} THEN {100 * SMALL_BYTES} ELSE {SMALL_BYTES} END")
