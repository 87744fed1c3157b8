"""The ADBC drivers of SQLite and PostgreSQL: Arrow batches from one to the other."""

import os
import pathlib

import measure
from contenders import Result, Unable

NAME = "adbc"
MANDATORY = False
HERE = pathlib.Path(__file__).resolve()
PYTHON = HERE.parents[3] / "build/bench/python/bin/python"
INSTALL = "bench/install-contenders"


def missing():
    if not os.access(PYTHON, os.X_OK):
        return f"there is no {PYTHON}"
    probe = measure.run([str(PYTHON), "-c", "import adbc_driver_postgresql.dbapi,"
                                            " adbc_driver_sqlite.dbapi, pyarrow"])
    return "" if probe.exit_code == 0 else "the ADBC drivers are not installed"


# What its binary COPY has a form for.
KINDS = {"int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "bytea", "date",
         "timestamp", "bpchar"}


def load(job):
    kinds = {kind for table in job.tables() for _, kind in table.columns}
    if kinds - KINDS:
        raise Unable(f"no binary form of {', '.join(sorted(kinds - KINDS))} from SQLite's values")
    run = measure.run([str(PYTHON), str(HERE.parents[1] / "adbc_copy.py"), str(job.source),
                       job.uri, *[table.name for table in job.tables()]])
    if run.exit_code != 0:
        raise Unable(run.stderr[-300:])
    return Result(data_seconds=run.seconds, client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=run.peak_rss_bytes)
