"""psycopg2's execute_values, 1,000 rows per statement: what scripts written for one migration do."""

import importlib.util
import pathlib
import sys

import measure
from contenders import Result, Unable

NAME = "psycopg2"
MANDATORY = True
INSTALL = "apt-get install python3-psycopg2"


def missing():
    return "" if importlib.util.find_spec("psycopg2") else "there is no Python module psycopg2"


def load(job):
    script = pathlib.Path(__file__).resolve().parents[1] / "insert_values.py"
    run = measure.run([sys.executable, str(script), str(job.source), job.conninfo])
    if run.exit_code != 0:
        raise Unable(run.stderr[-300:])
    return Result(data_seconds=run.seconds, client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=run.peak_rss_bytes)
