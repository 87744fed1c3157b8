#!/usr/bin/python3
"""Copies databases made at random and has the independent judge look at them.

    databases.py [--seconds N] [--seed S] [--count N] [--jobs N]

Every seed is a database (tests/support/random_database.py): it is copied into a new schema and
judged (tests/support/compare.py), then copied once more into the tables just made, emptied, then
verified by the program itself. What fails stays in --keep, and `--seed S --count 1` makes it again.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import compare  # noqa: E402  (found by the line above)
import server  # noqa: E402
from random_database import RandomDatabase, write_names  # noqa: E402

TIMEOUT_SECONDS = 300


class Failure(Exception):
    pass


def execute(conninfo, sql):
    connection = psycopg2.connect(conninfo)
    try:
        connection.autocommit = True
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def run(program, *arguments):
    process = subprocess.run([program, *map(str, arguments), "--format", "json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS, check=False)
    try:
        report = json.loads(process.stdout)
    except ValueError:
        report = {}
    if process.returncode != 0:
        errors = json.dumps(report.get("errors", []))[:1500]
        findings = [f for f in report.get("findings", []) if f["severity"] == "blocking"]
        raise Failure(f"lite2pg {arguments[0]}: exit {process.returncode} {errors}"
                      f" {json.dumps(findings)[:1500]} {process.stderr[-800:].decode()}")
    return report


def judge(path, conninfo, report, what, **options):
    problems = compare.Comparison(str(path), conninfo, report, **options).problems
    if problems:
        raise Failure(f"{what}: " + "\n    ".join(problems[:8]))


def empty_tables(conninfo):
    names = [name for name, in execute(
        conninfo, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND"
                  " relnamespace = 'public'::regnamespace")]
    execute(conninfo, "DROP SCHEMA lite2pg CASCADE;"
            + (f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE" if names else ""))


def try_seed(program, cluster, directory, seed):
    """What is wrong, or ''."""
    path = pathlib.Path(directory) / f"{seed}.db"
    path.unlink(missing_ok=True)
    name = f"fuzz_{os.getpid()}_{seed}"
    conninfo = psycopg2.extensions.make_dsn(cluster, dbname=name)
    try:
        db = sqlite3.connect(path)
        RandomDatabase(seed).build(db)
        db.commit()
        db.close()
        execute(cluster, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
                         " LOCALE 'C.UTF-8'")
        report = run(program, "copy", path, conninfo)
        judge(path, conninfo, report, "created")
        run(program, "verify", path, conninfo)
        empty_tables(conninfo)
        names = path.with_suffix(".toml")
        write_names(report, names)
        report = run(program, "copy", path, conninfo, "--schema-mode", "existing", "--config", names)
        judge(path, conninfo, report, "into existing tables", check_schema=False)
        run(program, "verify", path, conninfo, "--config", names)
        path.unlink()
        names.unlink()
        return ""
    except Failure as failure:
        return str(failure)
    except Exception:  # of the generator's or the judge's own
        return traceback.format_exc()
    finally:
        execute(cluster, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def try_all(options, cluster):
    os.makedirs(options.keep, exist_ok=True)
    began, done, failed = time.monotonic(), 0, []
    seeds = itertools.count(options.seed)
    left = options.count if options.count is not None else sys.maxsize
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        running = {}
        while True:
            more = left > 0 and time.monotonic() - began < options.seconds
            while more and len(running) < options.jobs and left > 0:
                seed = next(seeds)
                running[pool.submit(try_seed, options.program, cluster, options.keep, seed)] = seed
                left -= 1
            if not running:
                break
            ready, _ = concurrent.futures.wait(running,
                                               return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                seed, wrong = running.pop(future), future.result()
                done += 1
                if wrong:
                    failed.append(seed)
                    print(f"FAILED seed {seed}: {wrong}", flush=True)
                if done % 50 == 0:
                    print(f"{done} databases, {len(failed)} failed,"
                          f" {time.monotonic() - began:.0f} s", flush=True)
    print(f"{done} databases from seed {options.seed}, {len(failed)} failed,"
          f" {time.monotonic() - began:.0f} s" + (f": {failed}" if failed else ""))
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=os.environ.get(
        "LITE2PG_BIN", str(HERE.parents[1] / "build/release/lite2pg")))
    parser.add_argument("--seconds", type=float, help="600, unless --count is given")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("LITE2PG_SEED", "1")),
                        help="of the first database; the others follow")
    parser.add_argument("--count", type=int, help="databases at most")
    parser.add_argument("--keep", default=tempfile.gettempdir() + "/lite2pg-databases",
                        help="where databases that failed stay")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = 600 if options.count is None else float("inf")
    conninfo = os.environ.get("LITE2PG_TEST_CONNINFO")
    if conninfo:
        return 1 if try_all(options, conninfo) else 0
    directory = tempfile.mkdtemp(prefix="lite2pg-db-")
    server.start(directory)
    try:
        return 1 if try_all(options, server.conninfo(directory)) else 0
    finally:
        server.stop(directory)


if __name__ == "__main__":
    sys.exit(main())
