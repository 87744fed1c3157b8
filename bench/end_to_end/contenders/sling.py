"""Sling, table by table, appending to the same tables."""

import os
import pathlib
import shutil

import measure
from contenders import Result, Unable

NAME = "sling"
MANDATORY = False
INSTALL = "bench/install-contenders"


PYTHON = pathlib.Path(__file__).resolve().parents[3] / "build/bench/python"


def program():
    packaged = next(PYTHON.glob("lib/python3*/site-packages/sling_linux_*/bin/sling-linux-*"), None)
    return os.environ.get("SLING_BINARY") or shutil.which("sling") or packaged


def missing():
    return "" if program() else "there is no program sling"


def load(job):
    seconds = cpu = 0.0
    rss = 0
    environment = {"L2P_SOURCE": f"sqlite://{job.source}", "L2P_TARGET": job.uri + "?sslmode=disable"}
    for table in job.tables():
        run = measure.run([program(), "run", "--src-conn", "L2P_SOURCE", "--src-stream",
                           f"main.{table.name}", "--tgt-conn", "L2P_TARGET", "--tgt-object",
                           f"public.{table.name}", "--mode", "snapshot"], env=environment)
        if run.exit_code != 0:
            raise Unable((run.stdout + run.stderr)[-300:])
        seconds += run.seconds
        cpu += run.cpu_seconds
        rss = max(rss, run.peak_rss_bytes)
    return Result(data_seconds=seconds, client_cpu_seconds=cpu, peak_rss_bytes=rss,
                  note="replaces tables by its own types")
