r"""sqlite3 -csv piped into psql's \copy, one table after the other."""

import shutil

import measure
from contenders import Result, Unable

NAME = "sqlite3_psql"
MANDATORY = True
INSTALL = "apt-get install sqlite3 postgresql-client"


def missing():
    gone = [name for name in ("sqlite3", "psql") if not shutil.which(name)]
    return f"there is no program {' and no '.join(gone)}" if gone else ""


def _quoted(name):
    return '"' + name.replace('"', '""') + '"'


def load(job):
    # One sqlite3 and one psql per table, as people write it.
    seconds = cpu = 0.0
    rss = 0
    for table in job.tables():
        names = [_quoted(name) for name, _ in table.columns]
        # CSV has no bytes: they go as bytea's own text form.
        values = [f"'\\x' || hex({name})" if kind == "bytea" else name
                  for name, (_, kind) in zip(names, table.columns)]
        select = f"SELECT {', '.join(values)} FROM {_quoted(table.name)}"
        copy = f"\\copy {_quoted(table.name)} ({', '.join(names)}) FROM STDIN (FORMAT csv)"
        run = measure.run([["sqlite3", "-readonly", "-csv", str(job.source), select],
                           ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", copy,
                            job.conninfo]])
        if run.exit_code != 0:
            raise Unable(run.stderr[-300:])
        seconds += run.seconds
        cpu += run.cpu_seconds
        rss = max(rss, run.peak_rss_bytes)
    return Result(data_seconds=seconds, client_cpu_seconds=cpu, peak_rss_bytes=rss)
