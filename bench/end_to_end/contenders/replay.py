"""The limit: the same bytes, encoded beforehand, in memory-mapped files, sent by as many COPY
connections with writes of 1 MiB. No client that uses COPY can be faster than the server is here."""

import os
import pathlib

import measure
from contenders import Result, Unable

NAME = "replay"
MANDATORY = True
DATA_ONLY = True  # what comes after the data says nothing about this limit
ROOT = pathlib.Path(__file__).resolve().parents[3]
INSTALL = "build it: cmake --preset release && cmake --build --preset release"


def program():
    return os.environ.get("LITE2PG_REPLAY_BIN", str(ROOT / "build/release/bench/replay"))


def missing():
    return "" if os.access(program(), os.X_OK) else f"there is no program {program()}"


def load(job):
    # The files of a few tables are replayed; thousands of tables are not what this limit is about.
    lists = job.replay_lists()
    if not lists:
        raise Unable("there are too many tables to replay")
    run = measure.run([program(), job.conninfo, *map(str, lists)])
    if run.exit_code != 0:
        raise Unable(run.stderr[-300:])
    return Result(data_seconds=float(run.stdout.split()[0]), client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=run.peak_rss_bytes, note=f"{len(lists)} connections")
