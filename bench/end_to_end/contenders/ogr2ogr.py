"""GDAL's ogr2ogr, with COPY, appending to the same tables."""

import shutil

import measure
from contenders import Result, Unable

NAME = "ogr2ogr"
MANDATORY = False
INSTALL = "apt-get install gdal-bin"


def missing():
    return "" if shutil.which("ogr2ogr") else "there is no program ogr2ogr"


def load(job):
    seconds = cpu = 0.0
    rss = 0
    for table in job.tables():
        # By a query, since it takes a table's integer key for an identifier of its own.
        names = ", ".join(f'"{name}" AS "{name}"' for name, _ in table.columns)
        run = measure.run(["ogr2ogr", "-f", "PostgreSQL", "PG:" + job.conninfo, str(job.source),
                           "-append", "-gt", "unlimited", "--config", "PG_USE_COPY", "YES",
                           "-nln", table.name, "-sql", f'SELECT {names} FROM "{table.name}"'])
        if run.exit_code != 0 or "ERROR" in run.stderr:
            raise Unable(run.stderr[:300])
        seconds += run.seconds
        cpu += run.cpu_seconds
        rss = max(rss, run.peak_rss_bytes)
    return Result(data_seconds=seconds, client_cpu_seconds=cpu, peak_rss_bytes=rss)
