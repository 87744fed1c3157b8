"""pgloader, into the same tables, without its own indexes and sequences."""

import shutil

import measure
from contenders import Result, Unable

NAME = "pgloader"
MANDATORY = True
INSTALL = "apt-get install pgloader"


def missing():
    return "" if shutil.which("pgloader") else "there is no program pgloader"


def load(job):
    command = job.scratch / "pgloader.load"
    command.write_text(f"""LOAD DATABASE FROM sqlite://{job.source} INTO {job.uri}
WITH data only, quote identifiers, workers = 4, concurrency = 1
SET client_encoding to 'utf8';
""", encoding="utf-8")
    run = measure.run(["pgloader", "--no-ssl-cert-verification", "--root-dir",
                       str(job.scratch / "pgloader"), str(command)])
    # It ends with 0 though rows were refused; the runner counts.
    if run.exit_code != 0:
        raise Unable((run.stdout + run.stderr)[-300:])
    return Result(data_seconds=run.seconds, client_cpu_seconds=run.cpu_seconds,
                  peak_rss_bytes=run.peak_rss_bytes)
