"""sluice (github.com/sluicesync/sluice), with its own tables."""

import os
import pathlib
import shutil

import measure
from contenders import Result, Unable

NAME = "sluice"
MANDATORY = False
OWN_TABLES = True
INSTALL = "bench/install-contenders"
INSTALLED = pathlib.Path(__file__).resolve().parents[3] / "build/bench/go/sluice"


def program():
    return str(INSTALLED) if os.access(INSTALLED, os.X_OK) else shutil.which("sluice")


def missing():
    return "" if program() else "there is no program sluice"


def load(job):
    run = measure.run([program(), "migrate", "--source-driver", "sqlite", "--source",
                       str(job.source), "--target-driver", "postgres", "--target", job.uri])
    if run.exit_code != 0:
        raise Unable((run.stdout + run.stderr)[-300:])
    return Result(data_seconds=run.seconds, whole_seconds=run.seconds,
                  client_cpu_seconds=run.cpu_seconds, peak_rss_bytes=run.peak_rss_bytes,
                  note="its own tables, indexes included")
