"""Large blobs of 100 to 400 KiB that do not compress."""

import random

from workloads import SEED

NAME = "blobs"
TITLE = "blobs of 100 to 400 KiB"
ROWS = 300


def build(db, scale):
    db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, content BLOB)")
    source = random.Random(SEED)
    for i in range(max(1, int(ROWS * scale))):
        size = 100_000 + source.randrange(300_000)
        db.execute("INSERT INTO files VALUES (?, ?, ?)",
                   (i + 1, f"file-{i:06}.bin", source.randbytes(size)))
