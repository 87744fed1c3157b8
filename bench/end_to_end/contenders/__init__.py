"""Contenders: one file each.

A module has NAME, MANDATORY, INSTALL (what to install), maybe OWN_TABLES (it makes its tables
itself) or DATA_ONLY (keys and indexes do not follow), missing() -> why it cannot run here or "",
and load(job) -> Result. `job` is a runner.Job: the SQLite file, an empty database with the tables
already in it (unless OWN_TABLES is set), where to keep files, and how many streams to use.
"""

import dataclasses
import importlib
import pathlib

# In the order in which tables show them.
NAMES = ["lite2pg", "replay", "pgloader", "sqlite3_psql", "psycopg2", "ogr2ogr", "duckdb", "adbc",
         "sling", "sluice"]
assert set(NAMES) == {p.stem for p in pathlib.Path(__file__).parent.glob("*.py")
                      if p.stem != "__init__"}


@dataclasses.dataclass
class Result:
    data_seconds: float            # rows into tables without indexes
    whole_seconds: float = 0.0     # with everything else that this contender does; 0: data and
                                   # the same indexes and keys that the others get
    client_cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    stages: dict = dataclasses.field(default_factory=dict)
    note: str = ""


class Unable(Exception):
    """The contender cannot do this workload; its message says why."""


def load(name):
    return importlib.import_module("contenders." + name)
