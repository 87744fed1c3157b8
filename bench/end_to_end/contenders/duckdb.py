"""DuckDB with its sqlite and postgres extensions: INSERT INTO postgres SELECT FROM sqlite."""

import os
import pathlib

import measure
from contenders import Result, Unable

NAME = "duckdb"
MANDATORY = False
HERE = pathlib.Path(__file__).resolve()
PYTHON = HERE.parents[3] / "build/bench/python/bin/python"
INSTALL = "bench/install-contenders"


def missing():
    if not os.access(PYTHON, os.X_OK):
        return f"there is no {PYTHON}"
    probe = measure.run([str(PYTHON), "-c", "import duckdb, duckdb_extension_sqlite_scanner,"
                                            " duckdb_extension_postgres_scanner"])
    return "" if probe.exit_code == 0 else "DuckDB or one of its two extensions is not installed"


def load(job):
    run = measure.run([str(PYTHON), str(HERE.parents[1] / "duckdb_copy.py"), str(job.source),
                       job.conninfo, *[table.name for table in job.tables()]])
    if run.exit_code != 0:
        raise Unable(run.stderr[-300:])
    return Result(data_seconds=run.seconds, client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=run.peak_rss_bytes)
