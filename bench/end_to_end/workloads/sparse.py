"""Keys clustered at both ends of the 64-bit range; one tenth of the rows, at the upper end, has
100 times the bytes of the others."""

from workloads import piece, rows

NAME = "sparse"
TITLE = "sparse keys, skewed rows"
ROWS = 200_000
SMALL_BYTES = 40
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
