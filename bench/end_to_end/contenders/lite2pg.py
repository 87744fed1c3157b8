"""Ourselves: `lite2pg copy` with everything that is on by default."""

import json
import os
import pathlib

import measure
from contenders import Result, Unable

NAME = "lite2pg"
MANDATORY = True
OWN_TABLES = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
INSTALL = "build it: cmake --preset release && cmake --build --preset release"


def program():
    return os.environ.get("LITE2PG_BIN", str(ROOT / "build/release/lite2pg"))


def missing():
    return "" if os.access(program(), os.X_OK) else f"there is no program {program()}"


def copy(job, *options, source=None, conninfo=None):
    """Runs a copy; returns (Run, report). Each of the report's stages gets its processor time, of
    the client and of the server."""
    report_file = job.scratch / "lite2pg.json"
    report_file.unlink(missing_ok=True)
    argv = [program(), "copy", str(source or job.source), conninfo or job.conninfo, "--quiet",
            "--schema-mode", "create", "--report", str(report_file), "--progress", "json",
            *options]
    if job.streams and "--streams" not in options:
        argv += ["--streams", str(job.streams)]
    begun, cpu = {}, {}

    def on_line(pid, line):
        if not line.startswith('{"event":"stage_'):
            return
        event = json.loads(line)
        now = (measure.cpu_seconds_of(pid), job.server_cpu_seconds())
        if event["event"] == "stage_begin":
            begun[event["stage"]] = now
        else:
            then = begun[event["stage"]]
            cpu[event["stage"]] = (now[0] - then[0], now[1] - then[1])

    run = measure.watch(argv, on_line)
    report = json.loads(report_file.read_text()) if report_file.exists() else {}
    if run.exit_code != 0:
        errors = [error["what"] for error in report.get("errors", [])]
        raise Unable(f"exit {run.exit_code}: {errors or run.stderr[-300:]}")
    for stage in report["stages"]:
        stage["client_cpu_seconds"], stage["server_cpu_seconds"] = cpu[stage["name"]]
    return run, report


def again(job, command, source, *exit_codes):
    """Runs `command` (verify, sync) on what was copied; returns its seconds."""
    run = measure.run([program(), command, str(source), job.conninfo, "--quiet"])
    if run.exit_code not in (exit_codes or (0,)):
        raise Unable(f"{command}: exit {run.exit_code}: {run.stderr[-300:]}")
    return run.seconds


def load(job):
    run, report = copy(job)
    stages = {stage.pop("name"): stage for stage in report["stages"]}
    return Result(data_seconds=stages["data"]["seconds"], whole_seconds=run.seconds,
                  client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=report["resources"]["peak_rss_bytes"], stages=stages,
                  note=f"streams {report['resources']['streams_max']}")
