"""Workloads: one file each, deterministic at any scale.

A module has NAME, TITLE and build(db, scale): it fills an empty SQLite database. Scale 1 is about
one second of the data stage on two cores. Values come from noise that Random(SEED) made, cut at
places that a multiplicative hash of the row's number names, so that row i is the same at any scale
and SQLite itself makes the rows.
"""

import importlib
import pathlib
import random

SEED = 20240601
NOISE_BYTES = 1 << 16

NAMES = sorted(p.stem for p in pathlib.Path(__file__).parent.glob("*.py") if p.stem != "__init__")


def load(name):
    return importlib.import_module("workloads." + name)


def noise():
    """(bytes, letters and spaces) of NOISE_BYTES each. Both are bound as blobs: substr() of a text
    walks it from its beginning."""
    source = random.Random(SEED)
    letters = "abcdefghijklmnopqrstuvwxyz      ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return (source.randbytes(NOISE_BYTES),
            "".join(source.choice(letters) for _ in range(NOISE_BYTES)).encode())


def hashed(salt, of="i"):
    """SQL: a number from 0 to 2^31 - 1 that looks random."""
    return f"((({of} * 2654435761 + {salt * 40503 + 12345}) & 4294967295) >> 1)"


def rows(db, insert, count, step=100_000):
    """Runs `insert`, an INSERT ... SELECT over the table n(i), for i from 0 to count - 1. It may
    use :bytes and :text, the noise."""
    data, text = noise()
    for first in range(0, count, step):
        last = min(count, first + step) - 1
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n"
                   f" WHERE i < {last}) {insert}", {"bytes": data, "text": text})


def piece(of, length, salt):
    """SQL: `length` (SQL or a number) units of the noise from a place that the row decides."""
    cut = f"substr(:{of}, 1 + {hashed(salt)} % {NOISE_BYTES - 4096}, {length})"
    return f"CAST({cut} AS TEXT)" if of == "text" else cut
